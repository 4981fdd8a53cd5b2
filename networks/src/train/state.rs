//! Where a run stands: all that it needs to go on bit for bit, and all that the record shows of it.

/// A number of each epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// Mean loss of the training images.
    TrainLoss,
    /// Σ p_i l_i.
    SampledLoss,
    /// Mean loss of the test images.
    TestLoss,
    /// Share of training images that are given their label.
    TrainAccuracy,
    /// Share of test images that are given their label.
    TestAccuracy,
    /// 1/(m Σ p²).
    EffectiveShare,
    /// Total variation between p from the table and p from fresh losses.
    TableVariation,
    /// Largest 1/(m p) of a sample that was drawn.
    MaxWeight,
    /// η.
    LearningRate,
    /// Share of samples with p < low/m.
    LowShare,
    /// Area under the curve of the wrong labels, found by their losses.
    Auc,
    /// Share of wrong labels among the samples with p < low/m.
    Precision,
    /// Share of the wrong labels that have p < low/m.
    Recall,
}

impl Curve {
    /// All, in the order of a row.
    pub const ALL: [Self; 13] = [
        Self::TrainLoss,
        Self::SampledLoss,
        Self::TestLoss,
        Self::TrainAccuracy,
        Self::TestAccuracy,
        Self::EffectiveShare,
        Self::TableVariation,
        Self::MaxWeight,
        Self::LearningRate,
        Self::LowShare,
        Self::Auc,
        Self::Precision,
        Self::Recall,
    ];

    /// Name in a record, and what it is.
    pub fn name(self) -> [&'static str; 2] {
        match self {
            Self::TrainLoss => ["train_loss", "mean loss of the training images"],
            Self::SampledLoss => ["sampled_loss", "loss as sampled, Σ p l"],
            Self::TestLoss => ["test_loss", "mean loss of the test images"],
            Self::TrainAccuracy => ["train_accuracy", "share of training images that are given their label"],
            Self::TestAccuracy => ["test_accuracy", "share of test images that are given their label"],
            Self::EffectiveShare => ["ess", "effective sample size 1/Σp² over the number of samples"],
            Self::TableVariation => ["table_tv", "total variation between p from the table and p from fresh losses"],
            Self::MaxWeight => ["max_weight", "largest 1/(m p) of a sample that was drawn"],
            Self::LearningRate => ["learning_rate", "learning rate"],
            Self::LowShare => ["low_share", "share of samples with p < low/m, dynamic outliers"],
            Self::Auc => ["auc", "area under the curve: wrong labels found by their losses"],
            Self::Precision => ["precision", "share of wrong labels among the dynamic outliers"],
            Self::Recall => ["recall", "share of the wrong labels that are dynamic outliers"],
        }
    }
}

/// A run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    /// Place of its rule in `importance.c`.
    pub rule: usize,
    /// Its seed.
    pub seed: u64,
    /// Steps that were taken.
    pub step: usize,
    /// Parameters.
    pub theta: Vec<f32>,
    /// Velocities of momentum.
    pub velocity: Vec<f32>,
    /// Last seen loss of each sample.
    pub table: Vec<f64>,
    /// Losses of all samples at the last evaluation.
    pub fresh: Vec<f64>,
    /// Rows of [`Curve::ALL`], one for each epoch.
    pub curves: Vec<f64>,
    /// Mean loss of each batch.
    pub step_loss: Vec<f32>,
    /// Epochs of which all losses are kept, and those.
    pub kept_epochs: Vec<f64>,
    /// Losses of all samples at the kept epochs.
    pub kept_losses: Vec<f32>,
    /// p at the last evaluation.
    pub probabilities: Vec<f64>,
    /// Classes that the samples were given at the last evaluation.
    pub predicted: Vec<f64>,
    /// Epochs in which p < low/m.
    pub epochs_low: Vec<f64>,
    /// Epochs of the path, and the parameters there.
    pub path_epochs: Vec<f64>,
    /// Parameters along the path.
    pub path: Vec<f32>,
    /// Largest 1/(m p) of this epoch so far.
    pub max_weight: f64,
}

/// A part of a run as an array.
pub enum Part<'a> {
    /// In single precision.
    Single(&'a mut Vec<f32>),
    /// In double precision.
    Double(&'a mut Vec<f64>),
}

impl RunState {
    /// Epochs that were evaluated.
    pub fn epoch(&self) -> usize {
        self.curves.len() / Curve::ALL.len()
    }

    /// A number over the epochs.
    pub fn curve(&self, curve: Curve) -> Vec<f64> {
        let at = Curve::ALL.iter().position(|&other| other == curve).unwrap_or(0);
        self.curves.iter().skip(at).step_by(Curve::ALL.len()).copied().collect()
    }

    /// Keeps the losses of all samples.
    pub(super) fn keep_losses(&mut self, epoch: usize) {
        let losses = if self.fresh.is_empty() { &self.table } else { &self.fresh };
        self.kept_losses.extend(losses.iter().map(|&l| l as f32));
        self.kept_epochs.push(epoch as f64);
    }

    /// Rule, seed, step and largest weight.
    pub fn position(&self) -> Vec<f64> {
        vec![self.rule as f64, self.seed as f64, self.step as f64, self.max_weight]
    }

    /// An empty run at a position; None where those are no four numbers.
    pub fn at(position: &[f64]) -> Option<Self> {
        let &[rule, seed, step, max_weight] = position else { return None };
        Some(Self { rule: rule as usize, seed: seed as u64, step: step as usize, max_weight, ..Self::default() })
    }

    /// The arrays, by name, for checkpoints.
    pub fn parts(&mut self) -> [(&'static str, Part<'_>); 13] {
        use Part::{Double, Single};
        [
            ("theta", Single(&mut self.theta)),
            ("velocity", Single(&mut self.velocity)),
            ("table", Double(&mut self.table)),
            ("fresh", Double(&mut self.fresh)),
            ("curves", Double(&mut self.curves)),
            ("step_loss", Single(&mut self.step_loss)),
            ("kept_epochs", Double(&mut self.kept_epochs)),
            ("kept_losses", Single(&mut self.kept_losses)),
            ("probabilities", Double(&mut self.probabilities)),
            ("predicted", Double(&mut self.predicted)),
            ("epochs_low", Double(&mut self.epochs_low)),
            ("path_epochs", Double(&mut self.path_epochs)),
            ("path", Single(&mut self.path)),
        ]
    }
}
