//! Networks: their architecture, their parameters, and the way of a batch through them.
//!
//! An architecture is one function over [`Layers`]. Walked with shapes it tells the parameters, walked with tensors it is the
//! forward pass, so that the two cannot differ.

mod alexnet;
mod cnn;
pub mod layers;
mod linear;
pub mod pass;
mod resnet;

use burn_tensor::{Device, Element, Tensor, TensorData};
use fpsolve_solvers::numerics::random::Stream;

use layers::{Layers, Parameter, Shapes};

/// What a network is built of.
#[derive(Debug, Clone, PartialEq)]
pub enum Architecture {
    /// One layer, without hidden units.
    Linear,
    /// Convolutions 3×3 of stride 2 with ReLU, one hidden layer.
    Cnn {
        /// Channels of each convolution.
        channels: Vec<usize>,
        /// Units of the hidden layer; 0 for none.
        hidden: usize,
    },
    /// AlexNet for images of 32×32 pixels: convolutions 3×3 of 64 (stride 2), 192, 384, 256, 256 channels, three poolings 2×2, layers
    /// of 4096, 4096 units; no batch norm.
    AlexNet {
        /// Share of the units before each of the two large layers that a training step leaves out.
        dropout: f64,
    },
    /// The residual network of 6n + 2 layers for CIFAR (He et al. 2016, doi:10.1109/CVPR.2016.90) with shortcuts without parameters
    /// (option A) and batch norm.
    ResNet {
        /// 6n + 2.
        depth: usize,
        /// Channels of the first stage (16); the second and third have twice and four times as many.
        width: usize,
    },
}

impl Architecture {
    /// Its word in a scenario.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Cnn { .. } => "cnn",
            Self::AlexNet { .. } => "alexnet",
            Self::ResNet { .. } => "resnet",
        }
    }

    /// Its name for people.
    pub fn title(&self) -> String {
        match self {
            Self::Linear => "linear network".into(),
            Self::Cnn { channels, hidden } => {
                let channels: Vec<String> = channels.iter().map(usize::to_string).collect();
                format!("convolutional network of {} channels and {hidden} hidden units", channels.join(", "))
            }
            Self::AlexNet { .. } => "AlexNet".into(),
            Self::ResNet { depth, width: 16 } => format!("ResNet-{depth}"),
            Self::ResNet { depth, width } => format!("ResNet-{depth} of {width} channels"),
        }
    }

    /// Layers with weights.
    pub fn depth(&self) -> usize {
        match self {
            Self::Linear => 1,
            Self::Cnn { channels, hidden } => channels.len() + usize::from(*hidden > 0) + 1,
            Self::AlexNet { .. } => 8,
            Self::ResNet { depth, .. } => *depth,
        }
    }

    /// Image visits of the published recipe: 200 epochs of the 50,000 images of CIFAR-10 for a ResNet, 100 for AlexNet.
    pub fn published_visits(&self) -> Option<u64> {
        match self {
            Self::Linear | Self::Cnn { .. } => None,
            Self::AlexNet { .. } => Some(5_000_000),
            Self::ResNet { .. } => Some(10_000_000),
        }
    }

    /// Sends a signal through all layers.
    fn walk<L: Layers>(&self, layers: &mut L, x: L::Signal, classes: usize) -> L::Signal {
        match self {
            Self::Linear => linear::walk(layers, x, classes),
            Self::Cnn { channels, hidden } => cnn::walk(layers, x, channels, *hidden, classes),
            Self::AlexNet { dropout } => alexnet::walk(layers, x, *dropout, classes),
            Self::ResNet { depth, width } => resnet::walk(layers, x, (depth - 2) / 6, *width, classes),
        }
    }
}

/// A network for images of one shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// What it is built of.
    pub architecture: Architecture,
    /// Channels, height, width of an image.
    pub input: [usize; 3],
    /// Number of classes.
    pub classes: usize,
    /// Its parameters, in the order of the layers.
    pub parameters: Vec<Parameter>,
    /// Channels of each batch norm.
    pub norms: Vec<usize>,
}

impl Network {
    /// The network for images `[channels, height, width]` of so many classes. Errors: images that are too small for it.
    pub fn new(architecture: Architecture, input: [usize; 3], classes: usize) -> Result<Self, String> {
        let mut shapes = Shapes::default();
        architecture.walk(&mut shapes, input, classes);
        match shapes.trouble {
            Some(why) => Err(why),
            None => Ok(Self { architecture, input, classes, parameters: shapes.parameters, norms: shapes.norms }),
        }
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.parameters.iter().map(Parameter::len).sum()
    }

    /// Whether it has no parameter.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty()
    }

    /// Initial parameters: normal with variance gain/fan-in (gain 2 before a ReLU, He et al. 2015, doi:10.1109/ICCV.2015.123; 1 for the last
    /// layer), biases 0, scales of batch norm 1.
    pub fn initial(&self, seed: u64) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.len());
        for (k, parameter) in self.parameters.iter().enumerate() {
            let mut stream = Stream::new(seed, "network/initial", k as u64);
            values.extend((0..parameter.len()).map(|_| parameter.start.draw(&mut stream)));
        }
        values
    }

    /// A flat vector of parameters as one tensor each on a device, in the precision of the vector.
    pub fn tensors<E: Element>(&self, values: &[E], device: &Device) -> Vec<Tensor<1>> {
        let mut from = 0;
        let tensor = |parameter: &Parameter| {
            let n = parameter.len();
            from += n;
            Tensor::from_data(TensorData::new(values[from - n..from].to_vec(), [n]), (device, E::dtype()))
        };
        self.parameters.iter().map(tensor).collect()
    }
}

/// The tensors one after the other.
pub fn flat<E: Element>(tensors: &[Tensor<1>]) -> Vec<E> {
    tensors.iter().flat_map(pass::values).collect()
}
