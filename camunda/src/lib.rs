//! The port ProcessEngine over Camunda.
