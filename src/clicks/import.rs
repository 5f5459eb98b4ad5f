//! Moving in the journals of a node that is no more, from wherever its data folder was saved to.

use super::gauges::Gauges;
use super::journal::MAKING;
use super::mover::Mover;
use super::space::QUARANTINE;
use crate::db::Db;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A journal that was moved in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The journal's own name.
    pub journal: String,
    /// Records that were read now; one that the database had already changed nothing.
    pub records: usize,
    /// Damaged stretches, and records that the database refuses: kept in quarantine, not in the database.
    pub set_aside: usize,
}

/// Why journals were not moved in, said so that a person can mend it.
#[derive(Debug)]
pub struct ImportError(String);

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ImportError {}

/// Moves a journal into the database, or all journals of a data folder. Nothing is taken away, and what the database has
/// already is not counted twice, so it can be done again. Damaged stretches are kept under `quarantine`.
///
/// # Errors
/// There is no journal in the folder, a living process writes it, or the database fails.
pub fn import_journals(
    db: &Arc<Db>,
    folder: &Path,
    writer_id: i64,
    quarantine: &Path,
) -> Result<Vec<Imported>, ImportError> {
    let shown = folder.display();
    let found = journals(folder).map_err(|why| ImportError(format!("{shown} cannot be read: {why}")))?;
    if found.is_empty() {
        return Err(ImportError(format!(
            "{shown} holds no journal: name a data folder, its journal folder, or one journal in it"
        )));
    }
    let mut mover =
        Mover::new(Arc::clone(db), writer_id, quarantine.join(QUARANTINE), Arc::<Gauges>::default());
    let mut imported = Vec::new();
    for path in found {
        let shown = path.display();
        // Held until its records are moved, so that no process takes the folder over meanwhile.
        let _lock = lock(&path).map_err(|why| ImportError(format!("{shown}: {why}")))?;
        let journal = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let before = mover.set_aside_count();
        let records =
            mover.move_whole(&path, &journal).map_err(|why| ImportError(format!("{shown}: {why}")))?;
        imported.push(Imported { journal, records, set_aside: mover.set_aside_count() - before });
    }
    Ok(imported)
}

/// The journals in a data folder, in its journal folder, or the one that is named.
fn journals(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if is_journal(folder)? {
        // By its own name: that is what the database knows it by.
        return Ok(vec![folder.canonicalize()?]);
    }
    let inner = folder.join("journal");
    let root = if inner.is_dir() { inner } else { folder.to_path_buf() };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let path = entry?.path();
        if path.is_dir() && is_journal(&path)? {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A journal is named by 32 hexadecimal digits and holds segments.
fn is_journal(folder: &Path) -> io::Result<bool> {
    let name = folder.canonicalize()?.file_name().map(|name| name.to_string_lossy().into_owned());
    let is_named = name.is_some_and(|name| {
        !name.starts_with(MAKING) && name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    Ok(is_named && !super::reader::series(folder)?.is_empty())
}

/// Takes the journal's lock, where it has one.
fn lock(folder: &Path) -> Result<Option<File>, String> {
    let file = match File::open(folder.join("lock")) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(format!("its lock cannot be read: {why}")),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(_) => Err("a living process writes it, and moves it into the database itself".to_owned()),
    }
}
