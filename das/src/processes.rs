//! The processes that ProcOS starts with: the file and directory group, as BPMN with diagrams.
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
static STARTING: [StartingProcess; 9] = [
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
];

/// The processes that are there from the start.
#[must_use]
pub fn starting_processes() -> Vec<StartingProcess> {
    STARTING.to_vec()
}
