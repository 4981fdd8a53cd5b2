//! The layers that architectures are made of, and their walk with shapes alone.

use fpsolve_solvers::numerics::random::Stream;

/// Pixels along a side of the kernel of every convolution.
pub const KERNEL: usize = 3;
/// Gain of the initial weights before a ReLU.
pub const RELU: f64 = 2.0;

/// The layers; a signal is a batch of images, or their shape.
pub trait Layers {
    /// What goes through the layers.
    type Signal: Clone;
    /// Convolution 3×3 with a margin of one pixel.
    fn convolution(&mut self, x: Self::Signal, channels: usize, stride: usize, bias: bool) -> Self::Signal;
    /// Batch norm.
    fn batch_norm(&mut self, x: Self::Signal) -> Self::Signal;
    /// max(x, 0).
    fn relu(&mut self, x: Self::Signal) -> Self::Signal;
    /// The largest of each 2×2 pixels.
    fn max_pool(&mut self, x: Self::Signal) -> Self::Signal;
    /// The mean of each channel.
    fn mean_over_pixels(&mut self, x: Self::Signal) -> Self::Signal;
    /// All units to all units, with biases; initial weights of variance gain/fan-in.
    fn linear(&mut self, x: Self::Signal, units: usize, gain: f64) -> Self::Signal;
    /// Leaves units out in training, with this probability.
    fn dropout(&mut self, x: Self::Signal, share: f64) -> Self::Signal;
    /// Every stride-th pixel, new channels 0: the shortcut of a residual block without parameters (option A).
    fn shortcut(&mut self, x: Self::Signal, channels: usize, stride: usize) -> Self::Signal;
    /// The sum.
    fn add(&mut self, x: Self::Signal, y: Self::Signal) -> Self::Signal;
}

/// Where a parameter starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// Normal with this standard deviation.
    Normal(f64),
    /// A constant.
    Constant(f32),
}

impl Start {
    /// A value.
    pub fn draw(self, stream: &mut Stream) -> f32 {
        match self {
            Self::Normal(std) => (std * stream.normal()) as f32,
            Self::Constant(value) => value,
        }
    }
}

/// A parameter of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Layer and role, such as `convolution1/weight`.
    pub name: String,
    /// Its shape: convolutions [to, from, 3, 3], layers [from, to].
    pub shape: Vec<usize>,
    /// Where it starts.
    pub start: Start,
}

impl Parameter {
    /// Number of its values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is the weight of a layer, not a bias or a scale.
    pub fn is_weight(&self) -> bool {
        self.shape.len() > 1
    }

    /// For each output of the layer, the places of its weights inside the parameter.
    pub fn filters(&self) -> Vec<Vec<usize>> {
        match self.shape[..] {
            [from, to] => (0..to).map(|j| (0..from).map(|i| i * to + j).collect()).collect(),
            _ => {
                let each = self.len() / self.shape[0];
                (0..self.shape[0]).map(|k| (k * each..(k + 1) * each).collect()).collect()
            }
        }
    }
}

/// The walk with shapes: collects the parameters.
#[derive(Debug, Default)]
pub struct Shapes {
    /// The parameters so far.
    pub parameters: Vec<Parameter>,
    /// Channels of each batch norm so far.
    pub norms: Vec<usize>,
    /// Why the images do not fit.
    pub trouble: Option<String>,
    layers: usize,
}

impl Shapes {
    fn parameter(&mut self, name: String, shape: &[usize], start: Start) {
        self.parameters.push(Parameter { name, shape: shape.to_vec(), start });
    }
}

impl Layers for Shapes {
    type Signal = [usize; 3];

    fn convolution(&mut self, [from, h, w]: [usize; 3], channels: usize, stride: usize, bias: bool) -> [usize; 3] {
        self.layers += 1;
        let std = (RELU / (from * KERNEL * KERNEL) as f64).sqrt();
        let name = |role: &str| format!("convolution{}/{role}", self.layers);
        let (weight, biases) = (name("weight"), name("bias"));
        self.parameter(weight, &[channels, from, KERNEL, KERNEL], Start::Normal(std));
        if bias {
            self.parameter(biases, &[channels], Start::Constant(0.0));
        }
        [channels, h.div_ceil(stride), w.div_ceil(stride)]
    }

    fn batch_norm(&mut self, x: [usize; 3]) -> [usize; 3] {
        let layer = self.norms.len() + 1;
        self.parameter(format!("norm{layer}/scale"), &[x[0]], Start::Constant(1.0));
        self.parameter(format!("norm{layer}/shift"), &[x[0]], Start::Constant(0.0));
        self.norms.push(x[0]);
        x
    }

    fn relu(&mut self, x: [usize; 3]) -> [usize; 3] {
        x
    }

    fn max_pool(&mut self, [c, h, w]: [usize; 3]) -> [usize; 3] {
        if h.min(w) < 2 && self.trouble.is_none() {
            self.trouble = Some(format!("nothing is left to pool of the images after layer {}", self.layers));
        }
        [c, (h / 2).max(1), (w / 2).max(1)]
    }

    fn mean_over_pixels(&mut self, [c, ..]: [usize; 3]) -> [usize; 3] {
        [c, 1, 1]
    }

    fn linear(&mut self, [c, h, w]: [usize; 3], units: usize, gain: f64) -> [usize; 3] {
        self.layers += 1;
        let (layer, from) = (self.layers, c * h * w);
        self.parameter(format!("linear{layer}/weight"), &[from, units], Start::Normal((gain / from as f64).sqrt()));
        self.parameter(format!("linear{layer}/bias"), &[units], Start::Constant(0.0));
        [units, 1, 1]
    }

    fn dropout(&mut self, x: [usize; 3], _share: f64) -> [usize; 3] {
        x
    }

    fn shortcut(&mut self, [_, h, w]: [usize; 3], channels: usize, stride: usize) -> [usize; 3] {
        [channels, h.div_ceil(stride), w.div_ceil(stride)]
    }

    fn add(&mut self, x: [usize; 3], y: [usize; 3]) -> [usize; 3] {
        debug_assert_eq!(x, y);
        x
    }
}
