//! Pictures of networks: runs under several ways of drawing, and slices.

pub(super) mod curves;
pub(super) mod losses;
pub(super) mod outliers;
pub(super) mod slice;

use super::chart::colour::Colour;
use crate::record::read::text;
use crate::record::{Group, Record};

/// Colours of ways of drawing, after M. Okabe and K. Ito (2008).
const COLOURS: [u32; 7] = [0x00_00_00, 0xd5_5e_00, 0x00_72_b2, 0x00_9e_73, 0xcc_79_a7, 0xe6_9f_00, 0x56_b4_e9];

/// A way of drawing, with its runs.
struct Way<'a> {
    title: &'a str,
    colour: Colour,
    runs: Vec<&'a Group>,
}

/// The ways of drawing in their order.
fn ways(record: &Record) -> Vec<Way<'_>> {
    let mut ways: Vec<Way> = Vec::new();
    for run in record.group("network/run").map_or(&[][..], |runs| &runs.groups) {
        let title = text(run, "title").unwrap_or("?");
        let at = ways.iter().position(|way| way.title == title).unwrap_or_else(|| {
            let colour = Colour::hex(COLOURS[ways.len() % COLOURS.len()]);
            ways.push(Way { title, colour, runs: Vec::new() });
            ways.len() - 1
        });
        ways[at].runs.push(run);
    }
    ways
}
