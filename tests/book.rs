//! The book and README.md: their commands run, their links lead somewhere, and the reference knows every word of `fpsolve list`.
//!
//! On each page a block of TOML or CSV whose first line is `# name.toml` or `# name.csv` is a file of that name (in a CSV file that line is
//! left out). In its blocks of `console`, lines that begin with `$ fpsolve` are run in the order of the page, in a folder with those files
//! and the shipped scenarios. They end with exit code 0, or with the one that the line names: `$ fpsolve … # exit 3`.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use common::{fpsolve, succeeds, text};
use rayon::prelude::*;

const PAGES: &str = "book/src";

/// A fenced block: its language and its lines.
struct Block<'a> {
    language: &'a str,
    lines: Vec<&'a str>,
}

/// The blocks of a page, and its other lines.
fn parse(page: &str) -> (Vec<Block<'_>>, Vec<&str>) {
    let (mut blocks, mut prose) = (Vec::new(), Vec::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        match line.strip_prefix("```") {
            Some(language) => {
                blocks.push(Block { language, lines: lines.by_ref().take_while(|l| *l != "```").collect() })
            }
            None => prose.push(line),
        }
    }
    (blocks, prose)
}

/// All pages of the book, and README.md.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![PathBuf::from("README.md")];
    let mut folders = vec![PathBuf::from(PAGES)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

/// The words of a command line; single quotes hold a word together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for sign in line.chars() {
        match sign {
            '\'' => (quoted, begun) = (!quoted, true),
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            _ => {
                word.push(sign);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

/// The command of a line of a console without `$ fpsolve`, and its exit code; None for other lines.
fn command(line: &str) -> Option<(Vec<String>, i32)> {
    let rest = line.strip_prefix("$ fpsolve ")?;
    let (rest, code) = match rest.split_once(" # exit ") {
        Some((rest, code)) => (rest, code.trim().parse().unwrap()),
        None => (rest, 0),
    };
    Some((words(rest), code))
}

/// Writes a block that is a file.
fn write_file(folder: &Path, block: &Block) {
    let Some(name) = block.lines.first().and_then(|line| line.strip_prefix("# ")) else { return };
    let extension = format!(".{}", block.language);
    if name.contains(' ') || !name.ends_with(&extension) {
        return;
    }
    let from = usize::from(block.language == "csv");
    std::fs::write(folder.join(name), block.lines[from..].join("\n") + "\n").unwrap();
}

#[test]
fn every_command_runs() {
    let commands: usize = pages().par_iter().map(|page| run_commands(page)).sum();
    assert!(commands > 30, "{commands} commands");
}

/// Runs the commands of a page in a folder of its own; how many there are.
fn run_commands(page: &Path) -> usize {
    let (mut commands, content) = (0, std::fs::read_to_string(page).unwrap());
    let (blocks, _) = parse(&content);
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(Path::new("scenarios").canonicalize().unwrap(), folder.path().join("scenarios"))
        .unwrap();
    for block in &blocks {
        match block.language {
            "toml" | "csv" => write_file(folder.path(), block),
            "console" => {
                for (words, code) in block.lines.iter().filter_map(|line| command(line)) {
                    let output = fpsolve(folder.path(), &words);
                    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
                    assert_eq!(output.status.code(), Some(code), "{}: {words:?}\n{said}", page.display());
                    commands += 1;
                }
            }
            _ => {}
        }
    }
    commands
}

/// The anchor that mdBook gives a heading.
fn anchor(heading: &str) -> String {
    let kept = |sign: &char| sign.is_alphanumeric() || ['_', '-', ' '].contains(sign);
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    heading.chars().filter(kept).map(|sign| if sign == ' ' { '-' } else { sign }).collect()
}

/// The anchors of a page.
fn anchors(page: &Path) -> HashSet<String> {
    let content = std::fs::read_to_string(page).unwrap();
    parse(&content).1.into_iter().filter(|line| line.starts_with('#')).map(anchor).collect()
}

/// The targets of the links of a line, without what stands in backquotes.
fn links(line: &str) -> Vec<String> {
    let plain: String = line.split('`').step_by(2).collect();
    let parts = plain.split("](").skip(1);
    parts.filter_map(|part| part.split_once(')').map(|(target, _)| target.to_string())).collect()
}

/// `make book` draws SCENARIO.PICTURE.png from the record of that scenario.
fn check_picture(page: &Path, name: &str, list: &str) {
    let parts: Vec<&str> = name.split('.').collect();
    let [scenario, picture, "png"] = parts[..] else { panic!("{}: {name} is no picture", page.display()) };
    let there = |folder: &str| Path::new(&format!("{folder}/{scenario}.toml")).exists();
    assert!(there("scenarios") || there("networks/scenarios"), "{}: no scenario of {name}", page.display());
    assert!(list.contains(&format!("\n  {picture} ")), "{}: no picture {picture} in the list", page.display());
}

#[test]
fn every_link_leads_somewhere() {
    let list = succeeds(Path::new("."), &["list"]);
    let mut checked = 0;
    for page in pages() {
        let content = std::fs::read_to_string(&page).unwrap();
        for target in parse(&content).1.into_iter().flat_map(links).filter(|target| !target.contains("://")) {
            if let Some(picture) = target.strip_prefix("pictures/") {
                check_picture(&page, picture, &list);
                continue;
            }
            let (path, name) = target.split_once('#').unwrap_or((target.as_str(), ""));
            let there = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            assert!(there.exists(), "{}: no {target}", page.display());
            assert!(name.is_empty() || anchors(&there).contains(name), "{}: no anchor {target}", page.display());
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked} links");
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = std::fs::read_to_string(Path::new(PAGES).join("SUMMARY.md")).unwrap();
    for page in pages() {
        let Ok(name) = page.strip_prefix(PAGES) else { continue };
        let link = format!("({})", name.display());
        assert!(name == Path::new("SUMMARY.md") || summary.contains(&link), "{link} is not in SUMMARY.md");
    }
}

#[test]
fn the_reference_knows_every_word_of_the_list() {
    let pages = ["scenario.md", "scenario-engines.md"].map(|name| Path::new(PAGES).join(name));
    let reference: String = pages.iter().map(|page| std::fs::read_to_string(page).unwrap()).collect();
    let part = |sign: char| !(sign.is_alphanumeric() || sign == '_' || sign == '-');
    let known: HashSet<&str> = reference.split(part).collect();
    // what goes on below stands further in
    let list = succeeds(Path::new("."), &["list"]).replace("\n   ", "   ");
    let (mut prefix, mut checked) = ("", 0);
    for line in list.lines().take_while(|line| *line != "pictures").filter(|line| !line.is_empty()) {
        if !line.starts_with(' ') {
            prefix = if line.starts_with("compare.") { "max_" } else { "" };
            continue;
        }
        let word = format!("{prefix}{}", line.split_whitespace().next().unwrap());
        let keys = line.split_once("  keys ").map_or("", |(_, keys)| keys);
        let keys = keys.split(',').map(str::trim).filter(|key| !key.is_empty());
        for word in std::iter::once(word.as_str()).chain(keys) {
            for name in word.split(part).filter(|name| !name.is_empty()) {
                assert!(known.contains(name), "no {name} of {word} in the reference");
            }
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked} words");
}

#[test]
fn command_lines_are_divided_as_a_shell_does() {
    let line = "$ fpsolve check a.toml --set 'sgd.optimizer={ kind = \"gd\" }'   # exit 2";
    let words = ["check", "a.toml", "--set", "sgd.optimizer={ kind = \"gd\" }"];
    assert_eq!(command(line), Some((words.into_iter().map(String::from).collect(), 2)));
    assert_eq!(command("prints this"), None);
    assert_eq!(anchor("## What is a cell Péclet number?"), "what-is-a-cell-péclet-number");
    assert_eq!(links("a [b](c.md#d), `[x](y)`"), ["c.md#d"]);
}
