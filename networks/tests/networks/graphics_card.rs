//! What a graphics card computes against the CPU. It has to be there, and the program built for it: with `--features cuda` or `wgpu`,
//! `cargo test --release --test networks -- --ignored graphics_card`.

use burn_tensor::{Device, Tensor};
use fpsolve_networks::device;
use fpsolve_networks::network::pass::{Batch, Loss, Mode, Statistics};
use fpsolve_networks::network::{Architecture, Network, flat};
use fpsolve_networks::scenario::DeviceKind;
use fpsolve_solvers::numerics::random::Stream;

/// |a − b|/|b|.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    (square(&mut a.iter().zip(b).map(|(a, b)| a - b)) / square(&mut b.iter().copied())).sqrt()
}

/// Losses and gradient of a batch, with the statistics of the batch and with frozen ones.
fn results(network: &Network, n: usize, device: &Device) -> [Vec<f64>; 4] {
    let mut stream = Stream::new(7, "test", 0);
    let pixels = (0..n * network.input.iter().product::<usize>()).map(|_| stream.normal() as f32).collect();
    let labels: Vec<u8> = (0..n).map(|i| (i % network.classes) as u8).collect();
    let batch = Batch::new(network, pixels, &labels, device);
    let weights = network.tensors(&network.initial(5), device);
    let shares = vec![1.0 / n as f32; n];
    let mut of = |mode: Mode| network.gradient(&weights, batch.clone(), &shares, Loss::CrossEntropy, mode);
    let (losses, gradient) = of(Mode::Measuring);
    let one = |value: f32, like: &Tensor<1>| like.zeros_like() + value;
    let (_, statistics): (_, Statistics) = network.outputs(&weights, batch.images.clone(), Mode::Measuring);
    let frozen: Statistics = statistics.iter().map(|[mean, _]| [one(0.1, mean), one(1.5, mean)]).collect();
    let (frozen_losses, frozen_gradient) = of(Mode::Frozen(&frozen));
    [losses, flat(&gradient), frozen_losses, flat(&frozen_gradient)]
}

#[test]
#[ignore = "needs a graphics card"]
fn a_graphics_card_computes_what_the_cpu_does() {
    let (card, name) = device::open(DeviceKind::Auto).map_err(|failure| failure.report).unwrap();
    assert_ne!(name, "cpu", "no graphics card works here");
    let resnet = |depth| (Architecture::ResNet { depth, width: 16 }, [3, 32, 32]);
    let networks = [
        (Architecture::Linear, [1, 8, 8]),
        (Architecture::Cnn { channels: vec![8, 16], hidden: 64 }, [1, 28, 28]),
        resnet(8),
        resnet(20),
        resnet(110),
        (Architecture::AlexNet { dropout: 0.0 }, [3, 32, 32]),
    ];
    let mut worst = 0.0_f64;
    for (architecture, input) in networks {
        let network = Network::new(architecture, input, 10).unwrap();
        let [there, here] = [&card, &Device::flex()].map(|device| results(&network, 32, device));
        let errors: Vec<f64> = there.iter().zip(&here).map(|(there, here)| apart(there, here)).collect();
        println!("{name}, {}: losses {:.1e}, gradient {:.1e}; frozen {:.1e}, {:.1e}",
            network.architecture.title(), errors[0], errors[1], errors[2], errors[3]);
        worst = errors.into_iter().fold(worst, f64::max);
    }
    assert!(worst < 1e-3, "{worst:.1e}");
}
