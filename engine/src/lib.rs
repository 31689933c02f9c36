//! The port ProcessEngine and the embedded durable engine.
