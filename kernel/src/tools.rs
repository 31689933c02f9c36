//! Tools: declared in files, run isolated, checked on the way in and out.

mod catalogue;
mod declaration;
mod run;

pub use catalogue::Tools;
pub use declaration::{Class, Tool};
pub use run::ToolResult;

/// What every interpreter reads: programs, libraries, and how they are found.
pub(crate) const SYSTEM_PATHS: [&str; 10] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/alternatives",
];

/// Where programs are looked for: not the server's own search path, which may lead anywhere.
const PROGRAM_DIRECTORIES: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];
