//! Microkernel, PDO, TDE and tools.
