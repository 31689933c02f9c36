//! Disk: how much room the workspace has.

use bpmn::program::Variables;
use serde_json::json;

use super::Call;
use crate::Error;

impl Call<'_> {
    pub(super) fn disk_space(&self) -> Result<Variables, Error> {
        let Some(workspace) = &self.parts.workspace else {
            return Err(Error::Missing { element: self.job.element.clone(), part: "a workspace folder" });
        };
        let (free, total) = workspace
            .space()
            .map_err(|error| self.failed("disk.failed", format!("the disk does not say: {error}")))?;
        Ok(Variables::from_iter([
            ("freeBytes".to_owned(), json!(free)),
            ("totalBytes".to_owned(), json!(total)),
        ]))
    }
}
