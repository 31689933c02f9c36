//! File and directory operations, confined to one folder by directory handles: no path leaves it, not by `..`, not by
//! an absolute path, not by a symbolic link.

use std::io::{Error as IoError, ErrorKind, Read, Write};
use std::path::{Component, Path};
use std::sync::Arc;

use bpmn::program::Variables;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};
use serde_json::json;

use crate::Error;

/// Longest path, bytes.
const MAX_PATH_BYTES: usize = 1_024;
/// Entries listed at most.
const MAX_ENTRIES: usize = 10_000;

/// An operation that a task names by `ref`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Writes a file that does not exist yet.
    FileCreate,
    /// Reads a text file.
    FileRead,
    /// Replaces the content of a file that exists.
    FileUpdate,
    /// Deletes a file; one that is gone already is fine.
    FileDelete,
    /// Moves a file or directory to `to`.
    FileMove,
    /// Copies a file to `to`.
    FileCopy,
    /// Says whether it exists and how large it is.
    FileStat,
    /// Creates a directory with those above it.
    DirectoryCreate,
    /// Lists a directory; names of directories end with `/`.
    DirectoryList,
    /// Deletes an empty directory; one that is gone already is fine.
    DirectoryDelete,
}

impl Operation {
    const ALL: [(&'static str, Self); 10] = [
        ("file.create", Self::FileCreate),
        ("file.read", Self::FileRead),
        ("file.update", Self::FileUpdate),
        ("file.delete", Self::FileDelete),
        ("file.move", Self::FileMove),
        ("file.copy", Self::FileCopy),
        ("file.stat", Self::FileStat),
        ("directory.create", Self::DirectoryCreate),
        ("directory.list", Self::DirectoryList),
        ("directory.delete", Self::DirectoryDelete),
    ];

    /// The operation with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, operation)| operation)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// All names.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Self::ALL.into_iter().map(|(name, _)| name).collect()
    }
}

/// What an operation gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileResult {
    /// Text of a file that was read.
    pub content: Option<String>,
    /// Names in a directory, sorted.
    pub entries: Option<Vec<String>>,
    /// Whether the path exists afterwards.
    pub exists: bool,
    /// Size of the file afterwards, bytes.
    pub size: Option<u64>,
}

impl FileResult {
    /// As variables `content`, `entries`, `exists`, `size`; what there is not is left out.
    #[must_use]
    pub fn variables(self) -> Variables {
        let mut variables = Variables::new();
        variables.insert("exists".to_owned(), json!(self.exists));
        if let Some(content) = self.content {
            variables.insert("content".to_owned(), json!(content));
        }
        if let Some(entries) = self.entries {
            variables.insert("entries".to_owned(), json!(entries));
        }
        if let Some(size) = self.size {
            variables.insert("size".to_owned(), json!(size));
        }
        variables
    }
}

/// A folder that file tasks may use.
#[derive(Clone, Debug)]
pub struct Workspace {
    folder: Arc<Dir>,
    file_bytes: u64,
}

impl Workspace {
    /// Opens (and where needed creates) the folder; files may be up to `file_bytes` large.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(folder: &Path, file_bytes: u64) -> std::io::Result<Self> {
        Dir::create_ambient_dir_all(folder, ambient_authority())?;
        Ok(Self { folder: Arc::new(Dir::open_ambient_dir(folder, ambient_authority())?), file_bytes })
    }

    /// Free and total bytes of the disk it is on.
    ///
    /// # Errors
    /// What the file system says.
    pub fn space(&self) -> std::io::Result<(u64, u64)> {
        let found = nix::sys::statvfs::fstatvfs(&*self.folder)?;
        let block = found.fragment_size();
        Ok((found.blocks_available().saturating_mul(block), found.blocks().saturating_mul(block)))
    }

    /// Does an operation; blocking.
    ///
    /// # Errors
    /// `KERNEL-0008` with a BPMN error code: `file.path`, `file.not_found`, `file.exists`, `file.too_large`,
    /// `file.not_text`, `file.input`, `file.failed`.
    pub fn run(
        &self,
        operation: Operation,
        path: &str,
        content: Option<&str>,
        to: Option<&str>,
    ) -> Result<FileResult, Error> {
        let path = checked(path)?;
        let failed = |error: IoError| from_io(path, &error);
        let existing = FileResult { exists: true, ..FileResult::default() };
        match operation {
            Operation::FileCreate => self.create(path, self.fitting(path, content)?),
            Operation::FileUpdate => {
                let text = self.fitting(path, content)?;
                self.folder.metadata(path).map_err(failed)?;
                self.write(path, text).map_err(failed)?;
                Ok(FileResult { size: Some(text.len() as u64), ..existing })
            }
            Operation::FileRead => {
                let text = self.read(path)?;
                Ok(FileResult { size: Some(text.len() as u64), content: Some(text), ..existing })
            }
            Operation::FileDelete => {
                gone_is_fine(self.folder.remove_file(path)).map_err(failed)?;
                Ok(FileResult::default())
            }
            Operation::FileMove | Operation::FileCopy => self.transfer(operation, path, to),
            Operation::FileStat => match self.folder.metadata(path) {
                Ok(found) => Ok(FileResult { size: found.is_file().then(|| found.len()), ..existing }),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(FileResult::default()),
                Err(error) => Err(failed(error)),
            },
            Operation::DirectoryCreate => {
                self.folder.create_dir_all(path).map_err(failed)?;
                Ok(existing)
            }
            Operation::DirectoryList => Ok(FileResult { entries: Some(self.list(path)?), ..existing }),
            Operation::DirectoryDelete => {
                gone_is_fine(self.folder.remove_dir(path)).map_err(failed)?;
                Ok(FileResult::default())
            }
        }
    }

    fn create(&self, path: &str, text: &str) -> Result<FileResult, Error> {
        let failed = |error: IoError| from_io(path, &error);
        let done = FileResult { exists: true, size: Some(text.len() as u64), ..FileResult::default() };
        if self.folder.try_exists(path).map_err(failed)? {
            // The same content is what an attempt before a crash left behind: then it is done.
            let same = self.read(path).is_ok_and(|found| found == text);
            return if same { Ok(done) } else { Err(problem("file.exists", path, "it exists already")) };
        }
        self.write(path, text).map_err(failed)?;
        Ok(done)
    }

    fn transfer(&self, operation: Operation, path: &str, to: Option<&str>) -> Result<FileResult, Error> {
        let failed = |error: IoError| from_io(path, &error);
        let to = to.ok_or_else(|| problem("file.input", path, "the input `to` is missing"))?;
        let to = checked(to)?;
        self.create_parents(to).map_err(failed)?;
        if self.folder.try_exists(to).map_err(failed)? {
            return Err(problem("file.exists", to, "it exists already"));
        }
        let size = if operation == Operation::FileMove {
            self.folder.rename(path, &self.folder, to).map_err(failed)?;
            self.folder.metadata(to).ok().filter(|found| found.is_file()).map(|found| found.len())
        } else {
            self.fits(path, self.folder.metadata(path).map_err(failed)?.len())?;
            Some(self.folder.copy(path, &self.folder, to).map_err(failed)?)
        };
        Ok(FileResult { exists: true, size, ..FileResult::default() })
    }

    fn fitting<'a>(&self, path: &str, content: Option<&'a str>) -> Result<&'a str, Error> {
        let text = content.ok_or_else(|| problem("file.input", path, "the input `content` is missing"))?;
        self.fits(path, text.len() as u64).map(|()| text)
    }

    fn fits(&self, path: &str, size: u64) -> Result<(), Error> {
        if size <= self.file_bytes {
            return Ok(());
        }
        Err(problem("file.too_large", path, &format!("{size} bytes; {} are allowed", self.file_bytes)))
    }

    fn read(&self, path: &str) -> Result<String, Error> {
        let failed = |error: IoError| from_io(path, &error);
        let mut file = self.folder.open(path).map_err(failed)?;
        self.fits(path, file.metadata().map_err(failed)?.len())?;
        let mut bytes = Vec::new();
        // It may grow while it is read, so the reader is limited as well.
        Read::by_ref(&mut file).take(self.file_bytes + 1).read_to_end(&mut bytes).map_err(failed)?;
        self.fits(path, bytes.len() as u64)?;
        String::from_utf8(bytes).map_err(|_| problem("file.not_text", path, "it is not UTF-8 text"))
    }

    /// Writes beside and renames, so that a crash leaves the old content or the new one.
    fn write(&self, path: &str, text: &str) -> std::io::Result<()> {
        self.create_parents(path)?;
        let beside = format!("{path}.part");
        let mut options = OpenOptions::new();
        let mut file: File =
            self.folder.open_with(&beside, options.write(true).create(true).truncate(true))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        self.folder.rename(&beside, &self.folder, path)
    }

    fn create_parents(&self, path: &str) -> std::io::Result<()> {
        match Path::new(path).parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.folder.create_dir_all(parent),
            _ => Ok(()),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        let failed = |error: IoError| from_io(path, &error);
        let mut entries = Vec::new();
        for entry in self.folder.read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.push(if directory { format!("{name}/") } else { name });
            if entries.len() > MAX_ENTRIES {
                return Err(problem(
                    "file.too_large",
                    path,
                    &format!("it has more than {MAX_ENTRIES} entries"),
                ));
            }
        }
        entries.sort_unstable();
        Ok(entries)
    }
}

/// A path that stays inside: relative, without `..`.
fn checked(path: &str) -> Result<&str, Error> {
    let refused = |why: &str| Err(problem("file.path", path, why));
    if path.len() > MAX_PATH_BYTES || path.contains('\0') {
        return refused("the path is too long or holds a NUL");
    }
    let path = path.trim();
    let mut inside = Path::new(path).components().peekable();
    if inside.peek().is_none() {
        return refused("the path is empty");
    }
    if inside.all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        Ok(path)
    } else {
        refused("the path leaves the workspace")
    }
}

fn gone_is_fine(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn problem(code: &'static str, path: &str, what: &str) -> Error {
    Error::File { code, path: path.chars().take(200).collect(), problem: what.to_owned() }
}

fn from_io(path: &str, error: &IoError) -> Error {
    let code = match error.kind() {
        ErrorKind::NotFound => "file.not_found",
        ErrorKind::AlreadyExists => "file.exists",
        // What cap-std says of a path that would leave the folder, e.g. through a symbolic link.
        ErrorKind::PermissionDenied => "file.path",
        _ => "file.failed",
    };
    problem(code, path, &error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<FileResult, Error>) -> &'static str {
        match result {
            Err(Error::File { code, .. }) => code,
            other => panic!("{other:?}"),
        }
    }

    fn workspace() -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(&folder.path().join("space"), 1_000).unwrap();
        (folder, workspace)
    }

    #[test]
    fn a_file_lives_through_create_read_update_copy_move_and_delete() {
        let (_folder, space) = workspace();
        let run = |operation: &str, path: &str, content: Option<&str>, to: Option<&str>| {
            space.run(Operation::parse(operation).unwrap(), path, content, to).unwrap()
        };
        assert_eq!(run("file.create", "a/b.txt", Some("one"), None).size, Some(3));
        assert_eq!(run("file.read", "a/b.txt", None, None).content.as_deref(), Some("one"));
        run("file.update", "a/b.txt", Some("two!"), None);
        run("file.copy", "a/b.txt", None, Some("c.txt"));
        run("file.move", "c.txt", None, Some("d/e.txt"));
        assert_eq!(run("file.read", "d/e.txt", None, None).content.as_deref(), Some("two!"));
        assert_eq!(run("directory.list", ".", None, None).entries.unwrap(), ["a/", "d/"]);
        assert!(!run("file.delete", "a/b.txt", None, None).exists);
        assert!(!run("file.stat", "a/b.txt", None, None).exists);
        run("directory.delete", "a", None, None);
        assert_eq!(run("directory.list", ".", None, None).entries.unwrap(), ["d/"]);
    }

    #[test]
    fn no_path_leaves_the_workspace() {
        let (folder, space) = workspace();
        std::fs::write(folder.path().join("secret"), "s").unwrap();
        for path in ["../secret", "a/../../secret", "/etc/passwd", "", "a\0b"] {
            assert_eq!(code(space.run(Operation::FileRead, path, None, None)), "file.path", "{path:?}");
        }
        std::os::unix::fs::symlink(folder.path().join("secret"), folder.path().join("space/link")).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("space/up")).unwrap();
        for path in ["link", "up/secret"] {
            assert!(space.run(Operation::FileRead, path, None, None).is_err(), "{path}");
            assert!(space.run(Operation::FileUpdate, path, Some("x"), None).is_err(), "{path}");
        }
        assert!(space.run(Operation::FileCreate, "up/new", Some("x"), None).is_err());
        assert_eq!(std::fs::read_to_string(folder.path().join("secret")).unwrap(), "s");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::default())]

        #[test]
        fn whatever_the_path_nothing_outside_changes(
            path in "(\\.\\.|\\.|/|up|link|[a-c]|\\\\|~){1,6}", operation in 0_usize..10
        ) {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("secret"), "s").unwrap();
            let space = Workspace::open(&folder.path().join("space"), 1_000).unwrap();
            std::os::unix::fs::symlink(folder.path(), folder.path().join("space/up")).unwrap();
            std::os::unix::fs::symlink(folder.path().join("secret"), folder.path().join("space/link")).unwrap();
            let operation = Operation::ALL[operation].1;
            let result = space.run(operation, &path, Some("x"), Some(&path));
            if let Ok(FileResult { content: Some(content), .. }) = result {
                proptest::prop_assert_ne!(content, "s");
            }
            let mut outside: Vec<_> =
                std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            outside.sort();
            proptest::prop_assert_eq!(outside, ["secret", "space"]);
            proptest::prop_assert_eq!(std::fs::read_to_string(folder.path().join("secret")).unwrap(), "s");
        }
    }

    #[test]
    fn creating_again_after_a_crash_is_fine_and_overwriting_is_not() {
        let (_folder, space) = workspace();
        let create = |text: &str| space.run(Operation::FileCreate, "x", Some(text), None);
        assert!(create("one").is_ok() && create("one").is_ok());
        assert_eq!(code(create("two")), "file.exists");
    }

    #[test]
    fn what_is_missing_too_large_or_no_text_is_named() {
        let (folder, space) = workspace();
        assert_eq!(code(space.run(Operation::FileRead, "none", None, None)), "file.not_found");
        assert_eq!(code(space.run(Operation::FileUpdate, "none", Some("x"), None)), "file.not_found");
        assert_eq!(
            code(space.run(Operation::FileCreate, "big", Some(&"x".repeat(1_001)), None)),
            "file.too_large"
        );
        assert_eq!(code(space.run(Operation::FileCreate, "x", None, None)), "file.input");
        std::fs::write(folder.path().join("space/binary"), [0xff, 0xfe, 0x00]).unwrap();
        std::fs::write(folder.path().join("space/large"), vec![b'x'; 2_000]).unwrap();
        assert_eq!(code(space.run(Operation::FileRead, "binary", None, None)), "file.not_text");
        assert_eq!(code(space.run(Operation::FileRead, "large", None, None)), "file.too_large");
    }
}
