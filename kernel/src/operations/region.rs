//! Memory: named, sized regions that belong to an instance. A task reaches the one that its input `region` names.

use bpmn::program::Variables;
use serde_json::json;

use super::holdings::{ALL_BYTES, MAX_REGIONS, QUOTA_BYTES, Region};
use super::{Call, KernelOperation};
use crate::Error;

/// Longest name of a region, bytes.
const MAX_NAME: usize = 128;

impl Call<'_> {
    /// Errors: `memory.exists`, `memory.not_found`, `memory.quota`, `memory.full`, `tool.input`.
    pub(super) async fn region(&self, operation: KernelOperation) -> Result<Variables, Error> {
        let owner = self.owner().await?;
        match operation {
            KernelOperation::MemoryAllocate => self.allocate(owner),
            KernelOperation::MemoryWrite => self.write(owner),
            KernelOperation::MemoryFree => self.free(owner),
            _ => self.read(owner),
        }
    }

    fn region_name(&self) -> Result<&str, Error> {
        let name = self.text("region")?;
        let fits = !name.is_empty() && name.len() <= MAX_NAME;
        if fits { Ok(name) } else { Err(self.missing("region", "a name of 1 to 128 bytes")) }
    }

    fn allocate(&self, owner: i64) -> Result<Variables, Error> {
        let name = self.region_name()?;
        let size = self.number("size")?.filter(|size| *size > 0);
        let size = size.ok_or_else(|| self.missing("size", "a whole number of bytes from 1"))?;
        self.parts.holdings.with(owner, |held, all| {
            if let Some(known) = held.regions.get(name) {
                // The same again is what an attempt before a crash left behind: then it is done.
                if known.size == size && known.content.is_empty() {
                    return Ok(told(name, known));
                }
                return Err(self.failed("memory.exists", format!("there is a region {name:?} already")));
            }
            let quota = QUOTA_BYTES.saturating_sub(held.bytes()).min(ALL_BYTES.saturating_sub(all));
            if size > quota || held.regions.len() >= MAX_REGIONS {
                let problem = format!(
                    "{size} bytes are too many: {quota} are left, in {} of {MAX_REGIONS} regions",
                    held.regions.len()
                );
                return Err(self.failed("memory.quota", problem));
            }
            let region = Region { size, content: String::new() };
            let told = told(name, &region);
            held.regions.insert(name.to_owned(), region);
            Ok(told)
        })
    }

    fn read(&self, owner: i64) -> Result<Variables, Error> {
        let name = self.region_name()?;
        self.parts.holdings.with(owner, |held, _| {
            let region = held.regions.get(name).ok_or_else(|| self.no_region(name))?;
            let mut told = told(name, region);
            told.insert("content".to_owned(), json!(region.content));
            Ok(told)
        })
    }

    fn write(&self, owner: i64) -> Result<Variables, Error> {
        let (name, content) = (self.region_name()?, self.text("content")?);
        self.parts.holdings.with(owner, |held, _| {
            let region = held.regions.get_mut(name).ok_or_else(|| self.no_region(name))?;
            if content.len() as u64 > region.size {
                let problem = format!("{} bytes do not fit into {} of {name:?}", content.len(), region.size);
                return Err(self.failed("memory.full", problem));
            }
            content.clone_into(&mut region.content);
            Ok(told(name, region))
        })
    }

    fn free(&self, owner: i64) -> Result<Variables, Error> {
        let name = self.region_name()?;
        // One that is gone already is fine: an attempt before may have freed it.
        self.parts.holdings.with(owner, |held, _| held.regions.remove(name));
        Ok(Variables::from_iter([("region".to_owned(), json!(name)), ("allocated".to_owned(), json!(false))]))
    }

    fn no_region(&self, name: &str) -> Error {
        self.failed("memory.not_found", format!("there is no region {name:?}; it ends with its instance"))
    }
}

fn told(name: &str, region: &Region) -> Variables {
    let mut told = Variables::new();
    told.insert("region".to_owned(), json!(name));
    told.insert("allocated".to_owned(), json!(true));
    told.insert("size".to_owned(), json!(region.size));
    told.insert("used".to_owned(), json!(region.content.len()));
    told
}
