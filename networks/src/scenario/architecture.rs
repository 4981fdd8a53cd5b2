//! `[network]`: what the network is built of.

use fpsolve::reader::{Kind, Table, Value};
use miette::Result;

use crate::network::Architecture;

type Read = fn(&Table) -> Result<Architecture>;

const KINDS: &[Kind<'static, Read>] = &[
    Kind { word: "cnn", keys: &["channels", "hidden"], meaning: cnn },
    Kind { word: "alexnet", keys: &["dropout"], meaning: alexnet },
    Kind { word: "resnet", keys: &["depth", "width"], meaning: resnet },
    Kind { word: "linear", keys: &[], meaning: |_| Ok(Architecture::Linear) },
];

/// Reads what `[network]` has beside its data. Errors: values out of range.
pub(super) fn read(table: &Table) -> Result<Architecture> {
    (table.kind(&KINDS[0], &["data"], KINDS)?.meaning)(table)
}

/// Numbers of channels in a list.
pub(super) fn channels(value: &Value) -> Result<Vec<usize>> {
    value.list()?.iter().map(|v| Ok(v.count(1..=4096)?.value as usize)).collect()
}

fn cnn(table: &Table) -> Result<Architecture> {
    let channels = table.or("channels", vec![8, 16], "[8, 16]", channels)?;
    let hidden = table.or("hidden", 64, "64", |v| Ok(v.count(0..=65_536)?.value as usize))?;
    Ok(Architecture::Cnn { channels, hidden })
}

fn alexnet(table: &Table) -> Result<Architecture> {
    let dropout = table.or("dropout", 0.0, "0", |value| {
        let share = value.number()?;
        if (0.0..1.0).contains(&share.value) {
            return Ok(share.value);
        }
        Err(value.error("`network.dropout` must lie between 0 and 1", "no share", "write for example dropout = 0.5"))
    })?;
    Ok(Architecture::AlexNet { dropout })
}

fn resnet(table: &Table) -> Result<Architecture> {
    let depth = table.require("depth", "write the number of layers, 6n + 2: 20, 32, 44, 56 or 110")?;
    let layers = depth.count(8..=1202)?.value as usize;
    if layers % 6 != 2 {
        let near = [(layers - 2) / 6 * 6 + 2, (layers - 2) / 6 * 6 + 8];
        let help = format!("write {} or {}", near[0], near[1]);
        return Err(depth.error(format!("a ResNet for CIFAR has 6n + 2 layers, not {layers}"), "not 6n + 2", help));
    }
    let width = table.or("width", 16, "16", |v| Ok(v.count(1..=1024)?.value as usize))?;
    Ok(Architecture::ResNet { depth: layers, width })
}
