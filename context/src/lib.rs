//! The context manager: prompts, tests, approvals.
