//! Pure statistics: posteriors, stop rules, intervals, scores.
