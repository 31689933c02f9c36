//! The processes that ProcOS starts with: files, directories, memory, disk, network, processes and the
//! system, as BPMN with diagrams.
//!
//! Each validates, acts, and confirms what it did. They are put into memory at the first start, so that the
//! assistant finds and reuses them.

#[cfg(test)]
mod author;
#[cfg(test)]
mod tests;

/// A process that is there from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartingProcess {
    /// Its BPMN process id.
    pub name: &'static str,
    /// What it does, for people and for recall.
    pub description: &'static str,
    /// The BPMN file.
    pub xml: &'static str,
}

macro_rules! process {
    ($name:literal, $file:literal, $description:literal) => {
        StartingProcess {
            name: $name,
            description: $description,
            xml: include_str!(concat!("../processes/", $file, ".bpmn")),
        }
    };
}

/// The starting set.
static STARTING: [StartingProcess; 25] = [
    process!(
        "file_create",
        "file-create",
        "Creates a file in the workspace from path and content, and confirms that it is there."
    ),
    process!("file_read", "file-read", "Reads a text file of the workspace at path into content."),
    process!(
        "file_update",
        "file-update",
        "Replaces the content of an existing file of the workspace and reads it back."
    ),
    process!("file_delete", "file-delete", "Deletes a file of the workspace and confirms that it is gone."),
    process!(
        "file_move_copy",
        "file-move-copy",
        "Moves a file of the workspace to another path, or copies it when copy is true, and confirms the result."
    ),
    process!("directory_create", "directory-create", "Creates a directory in the workspace and confirms it."),
    process!("directory_list", "directory-list", "Lists the entries of a directory of the workspace."),
    process!(
        "directory_delete",
        "directory-delete",
        "Deletes an empty directory of the workspace and confirms it."
    ),
    process!(
        "file_exists",
        "file-exists",
        "Says whether a path of the workspace exists, and how large the file is."
    ),
    process!(
        "memory_allocate",
        "memory-allocate",
        "Sets aside a named region of memory of so many bytes for the calling instance, and confirms it."
    ),
    process!("memory_read", "memory-read", "Reads a named region of memory into content."),
    process!(
        "memory_write",
        "memory-write",
        "Writes content into a named region of memory and reads it back."
    ),
    process!("memory_free", "memory-free", "Frees a named region of memory and confirms that it is gone."),
    process!(
        "disk_write",
        "disk-write",
        "Writes content to disk at path if there is room, and reads it back."
    ),
    process!("disk_read", "disk-read", "Reads from disk what was written at path into content."),
    process!("disk_check_space", "disk-check-space", "Says how much room is free on the disk, in bytes."),
    process!(
        "network_send",
        "network-send",
        "Sends an API request (HTTP) to a declared host and confirms that it was answered well."
    ),
    process!(
        "network_receive",
        "network-receive",
        "Waits for an API request from outside and takes its body."
    ),
    process!(
        "network_open_connection",
        "network-open",
        "Opens a network connection to a declared host and port under a name."
    ),
    process!("network_close_connection", "network-close", "Closes the network connection of a name."),
    process!(
        "process_start",
        "process-start",
        "Starts another deployed process with variables and gives its instance key."
    ),
    process!(
        "process_terminate",
        "process-terminate",
        "Terminates a running process instance and confirms it."
    ),
    process!(
        "process_monitor",
        "process-monitor",
        "Says how a process instance is doing: status, incidents."
    ),
    process!(
        "system_check_resources",
        "system-check-resources",
        "Says what the machine has left: processors, load, memory, disk."
    ),
    process!(
        "system_describe",
        "system-describe",
        "Gets information about the system: version, operating system, engine, model."
    ),
];

/// The processes that are there from the start.
#[must_use]
pub fn starting_processes() -> Vec<StartingProcess> {
    STARTING.to_vec()
}
