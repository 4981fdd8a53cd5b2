//! Tables with `kind = "…"`: which keys each kind reads.

use miette::Result;

use super::table::Table;
use crate::text::bracketed;

/// A kind of table: its word, the keys that not all kinds read, and what the word stands for (such as how the table is read on).
#[derive(Debug, Clone, Copy)]
pub struct Kind<'k, T> {
    /// The word after `kind =`.
    pub word: &'static str,
    /// The keys that not all kinds read.
    pub keys: &'k [&'static str],
    /// What the word stands for.
    pub meaning: T,
}

impl Table<'_> {
    /// The kind of the table, `default` where none is written.
    ///
    /// Errors: a word that names none of `kinds`; a key that neither all kinds (`common`) nor this one read.
    pub fn kind<'k, T>(
        &self,
        default: &'k Kind<'k, T>,
        common: &[&'static str],
        kinds: &'k [Kind<'k, T>],
    ) -> Result<&'k Kind<'k, T>> {
        let keys = kinds.iter().flat_map(|kind| kind.keys).chain(common).copied();
        self.source().note_accepted(&self.path, keys.chain(["kind"]));
        let words: Vec<(&'static str, &Kind<T>)> = kinds.iter().map(|kind| (kind.word, kind)).collect();
        let shown = format!("\"{}\"", default.word);
        let kind = self.or("kind", default, &shown, |value| Ok(value.choice(&words)?.value))?;
        for (key, span) in self.keys() {
            if key == "kind" || common.contains(&key) || kind.keys.contains(&key) {
                continue;
            }
            let owners = kinds.iter().filter(|other| other.keys.contains(&key));
            let owners: Vec<String> = owners.map(|other| format!("\"{}\"", other.word)).collect();
            if owners.is_empty() {
                let known = kinds.iter().flat_map(|kind| kind.keys).chain(common).copied().chain(["kind"]);
                return Err(self.unknown_key(key, span, &known.collect::<Vec<_>>()));
            }
            let (owners, place) = (owners.join(" or "), bracketed(&self.path));
            let message = format!(
                "`{}` belongs to kind = {owners}, but this {place} has kind = \"{}\"",
                self.path(key),
                kind.word
            );
            let help = format!("write kind = {owners} in {place}, or remove `{key}`");
            return Err(self.source().error(&span, message, "not read for this kind", help));
        }
        Ok(kind)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use toml::de::DeTable;

    use super::*;
    use crate::reader::Source;

    const KINDS: &[Kind<u8>] =
        &[Kind { word: "round", keys: &["radius"], meaning: 1 }, Kind { word: "square", keys: &["side"], meaning: 2 }];

    fn read(text: &str) -> std::result::Result<u8, String> {
        let source = Source::from_text(Path::new("scenario.toml"), text.to_string());
        let document = DeTable::parse(&source.text).unwrap();
        let shape = Table::root(&source, &document, &["shape"]).unwrap().get("shape").unwrap().open_table().unwrap();
        shape.kind(&KINDS[0], &["colour"], KINDS).map(|kind| kind.meaning).map_err(|error| error.to_string())
    }

    #[test]
    fn the_word_decides_which_keys_are_read() {
        assert_eq!(read("shape = { radius = 1, colour = 2 }"), Ok(1));
        assert_eq!(read("shape = { kind = \"square\", side = 1 }"), Ok(2));
        assert_eq!(read("shape = { kind = \"sqare\" }").unwrap_err(), "`shape.kind` cannot be \"sqare\"");
        let other = read("shape = { kind = \"square\", radius = 1 }").unwrap_err();
        assert_eq!(other, "`shape.radius` belongs to kind = \"round\", but this [shape] has kind = \"square\"");
        assert_eq!(read("shape = { radios = 1 }").unwrap_err(), "unknown key `shape.radios`");
    }
}
