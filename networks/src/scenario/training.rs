//! `[training]`: stochastic gradient descent.

use fpsolve::reader::{Table, Value};
use miette::Result;

use crate::network::pass::Loss;

/// `[training]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// Epochs.
    pub epochs: usize,
    /// B.
    pub batch_size: usize,
    /// η.
    pub rate: Rate,
    /// μ of v ← μ v + g, θ ← θ − η v.
    pub momentum: f64,
    /// λ of g + λ θ.
    pub weight_decay: f64,
    /// What is made of the outputs.
    pub loss: Loss,
    /// How samples follow each other where they are drawn uniformly.
    pub order: Order,
    /// Epochs from one checkpoint to the next.
    pub checkpoints: usize,
    /// Where it runs.
    pub device: DeviceKind,
    /// Threads of the CPU, where they are given.
    pub threads: Option<usize>,
}

/// The learning rate over the epochs.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// η at the start.
    pub start: f64,
    /// Epochs from which on it is multiplied once more by the factor.
    pub at: Vec<usize>,
    /// The factor.
    pub factor: f64,
    /// First epochs with η times the factor.
    pub warm_up: usize,
}

impl Rate {
    /// η in an epoch (from 0).
    pub fn of(&self, epoch: usize) -> f64 {
        let drops = self.at.iter().filter(|&&at| epoch >= at).count() + usize::from(epoch < self.warm_up);
        self.start * self.factor.powi(drops as i32)
    }
}

/// The order of samples that are drawn uniformly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Each once an epoch, shuffled anew for each.
    Shuffled,
    /// Drawn with replacement, as by importance.
    Drawn,
}

/// Where a network runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A graphics card of NVIDIA.
    Cuda,
    /// What Vulkan, Metal or DirectX drive.
    Wgpu,
    /// A graphics card where the program is built for one, else the processor.
    Auto,
}

const KEYS: &[&str] = &[
    "epochs",
    "batch_size",
    "learning_rate",
    "momentum",
    "weight_decay",
    "loss",
    "order",
    "checkpoints",
    "device",
    "threads",
];

/// Reads `[training]`. Errors: a missing key; values out of range.
pub(super) fn read(root: &Table) -> Result<Training> {
    let value = root.require("training", "write [training] with epochs, batch_size and learning_rate")?;
    let table = value.table(KEYS)?;
    let epochs = table.require("epochs", "write epochs = 25")?.count(1..=100_000)?.value as usize;
    let batch_size = table.require("batch_size", "write batch_size = 64")?.count(1..=65_536)?.value as usize;
    let rate = rate(&table.require("learning_rate", "write learning_rate = 0.02")?, epochs)?;
    let momentum = table.or("momentum", 0.0, "0", |value| {
        let momentum = value.non_negative()?.value;
        if momentum < 1.0 {
            return Ok(momentum);
        }
        Err(value.error("`training.momentum` must be less than 1", "not below 1", "write for example momentum = 0.9"))
    })?;
    let losses = [("cross-entropy", Loss::CrossEntropy), ("squared", Loss::Squared)];
    let orders = [("shuffled", Order::Shuffled), ("drawn", Order::Drawn)];
    let devices =
        [("cpu", DeviceKind::Cpu), ("cuda", DeviceKind::Cuda), ("wgpu", DeviceKind::Wgpu), ("auto", DeviceKind::Auto)];
    Ok(Training {
        epochs,
        batch_size,
        rate,
        momentum,
        weight_decay: table.or("weight_decay", 0.0, "0", |v| Ok(v.non_negative()?.value))?,
        loss: table.or("loss", losses[0].1, "\"cross-entropy\"", |v| Ok(v.choice(&losses)?.value))?,
        order: table.or("order", orders[0].1, "\"shuffled\"", |v| Ok(v.choice(&orders)?.value))?,
        checkpoints: table.or("checkpoints", 1, "1", |v| Ok(v.count(1..=100_000)?.value as usize))?,
        device: table.or("device", devices[0].1, "\"cpu\"", |v| Ok(v.choice(&devices)?.value))?,
        threads: table.optional("threads", |v| Ok(v.count(1..=1024)?.value as usize))?,
    })
}

/// The learning rate: a number, or a table.
fn rate(value: &Value, epochs: usize) -> Result<Rate> {
    let Ok(table) = value.open_table() else {
        return Ok(Rate { start: value.positive()?.value, at: Vec::new(), factor: 0.1, warm_up: 0 });
    };
    let keys = value.table(&["start", "at", "factor", "warm_up"])?;
    let start = table.require("start", "write { start = 0.1, at = [82, 123], factor = 0.1 }")?.positive()?.value;
    let at = table
        .or("at", Vec::new(), "[]", |v| v.list()?.iter().map(|v| Ok(v.count(1..=100_000)?.value as usize)).collect())?;
    let factor = table.or("factor", 0.1, "0.1", |v| Ok(v.positive()?.value))?;
    let warm_up = keys.or("warm_up", 0, "0", |v| Ok(v.count(0..=epochs as u64)?.value as usize))?;
    Ok(Rate { start, at, factor, warm_up })
}
