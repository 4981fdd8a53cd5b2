//! What a graphics card computes against the CPU. It has to be there, and the program built for it: with `--features cuda` or `wgpu`,
//! `cargo test --release --test networks -- --ignored graphics_card`.

use burn_tensor::{Device, Element, ElementConversion, Tensor};
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

/// Losses and gradient of a batch in one precision, with the statistics of the batch and with frozen ones.
fn results<E: Element>(network: &Network, n: usize, device: &Device) -> [Vec<f64>; 4] {
    let mut stream = Stream::new(7, "test", 0);
    let pixels = (0..n * network.input.iter().product::<usize>()).map(|_| stream.normal() as f32).collect();
    let labels: Vec<u8> = (0..n).map(|i| (i % network.classes) as u8).collect();
    let theta: Vec<E> = network.initial(5).into_iter().map(|weight| weight.elem()).collect();
    let weights = network.tensors(&theta, device);
    let batch = Batch::new(network, pixels, &labels, device).as_precise_as(&weights);
    let shares = vec![1.0 / n as f32; n];
    let of = |mode: Mode| network.gradient(&weights, batch.clone(), &shares, Loss::CrossEntropy, mode);
    let (losses, gradient) = of(Mode::Measuring);
    let (_, statistics): (_, Statistics) = network.outputs(&weights, batch.images.clone(), Mode::Measuring);
    let one = |value: f32, like: &Tensor<1>| like.zeros_like() + value;
    let frozen: Statistics = statistics.iter().map(|[mean, _]| [one(0.1, mean), one(1.5, mean)]).collect();
    let (frozen_losses, frozen_gradient) = of(Mode::Frozen(&frozen));
    [losses, flat(&gradient), frozen_losses, flat(&frozen_gradient)]
}

/// Relative errors of a card in double precision, where it multiplies as the CPU does, and in single precision, whose products it makes in
/// TF32, numbers of 10 bits: of losses, and of gradients, which go through each layer twice.
const DOUBLE: f64 = 1e-9;
const SINGLE: [f64; 2] = [1e-3, 2e-2];

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
    let mut failed = Vec::new();
    for (architecture, input) in networks {
        let (network, cpu) = (Network::new(architecture, input, 10).unwrap(), Device::flex());
        let exact = results::<f64>(&network, 32, &cpu);
        let errors = |found: [Vec<f64>; 4]| -> [f64; 2] {
            let of = |k: usize| apart(&found[k], &exact[k]).max(apart(&found[k + 2], &exact[k + 2]));
            [of(0), of(1)]
        };
        let here = errors(results::<f32>(&network, 32, &cpu));
        let single = errors(results::<f32>(&network, 32, &card));
        let double = if name == "wgpu" { [0.0; 2] } else { errors(results::<f64>(&network, 32, &card)) };
        let title = network.architecture.title();
        let [double_words, single_words, here] = [double, single, here].map(|[l, g]| format!("{l:.1e}, {g:.1e}"));
        println!("{title}: losses, gradient {double_words} double, {single_words} single on {name}; {here} on the CPU");
        if double.iter().any(|e| *e > DOUBLE) || single[0] > SINGLE[0] || single[1] > SINGLE[1] {
            failed.push(title);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
