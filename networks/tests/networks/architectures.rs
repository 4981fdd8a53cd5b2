//! Numbers of parameters, gradients, batch norm, learning one batch.

use burn_tensor::{Device, Tensor};
use fpsolve_networks::network::pass::{Batch, Loss, Mode, values};
use fpsolve_networks::network::{Architecture, Network, flat};
use fpsolve_solvers::numerics::random::Stream;

const CIFAR: [usize; 3] = [3, 32, 32];

fn resnet(depth: usize) -> Network {
    Network::new(Architecture::ResNet { depth, width: 16 }, CIFAR, 10).unwrap()
}

#[test]
fn numbers_of_parameters_are_the_published_ones() {
    let counts = [(8, 75_290), (20, 269_722), (110, 1_727_962)];
    counts.iter().for_each(|&(depth, count)| assert_eq!(resnet(depth).len(), count, "ResNet-{depth}"));
    let alexnet = Network::new(Architecture::AlexNet { dropout: 0.5 }, CIFAR, 10).unwrap();
    assert_eq!(alexnet.len(), 23_272_266);
    assert_eq!(alexnet.architecture.depth(), 8);
    let cnn = Network::new(Architecture::Cnn { channels: vec![8, 16], hidden: 64 }, [1, 28, 28], 10).unwrap();
    assert_eq!(cnn.len(), 80 + 1168 + 784 * 64 + 64 + 650);
    assert!(Network::new(Architecture::AlexNet { dropout: 0.0 }, [1, 8, 8], 10).is_err());
}

/// Random images and labels.
fn batch(network: &Network, n: usize, seed: u64) -> Batch {
    let mut stream = Stream::new(seed, "test", 0);
    let pixels = (0..n * network.input.iter().product::<usize>()).map(|_| stream.normal() as f32).collect();
    let labels: Vec<u8> = (0..n).map(|i| (i % network.classes) as u8).collect();
    Batch::new(network, pixels, &labels, &Device::flex())
}

fn mean_loss(network: &Network, theta: &[f64], batch: &Batch, loss: Loss) -> f64 {
    let weights = network.tensors(theta, &Device::flex());
    let batch = batch.clone().as_precise_as(&weights);
    let losses: Vec<f64> = values(&network.losses(&weights, batch, loss, Mode::Measuring));
    losses.iter().sum::<f64>() / losses.len() as f64
}

#[test]
fn the_gradient_is_the_slope_of_the_loss() {
    let small = |architecture, input| Network::new(architecture, input, 5).unwrap();
    let networks = [
        small(Architecture::Linear, [1, 4, 4]),
        small(Architecture::Cnn { channels: vec![3, 4], hidden: 6 }, [2, 9, 7]),
        small(Architecture::ResNet { depth: 8, width: 4 }, [3, 12, 12]),
        small(Architecture::AlexNet { dropout: 0.0 }, [1, 16, 16]),
    ];
    for (network, loss) in
        networks.iter().zip([Loss::Squared, Loss::CrossEntropy, Loss::CrossEntropy, Loss::CrossEntropy])
    {
        let theta: Vec<f64> = network.initial(5).into_iter().map(f64::from).collect();
        let batch = batch(network, 8, 1);
        let weights = network.tensors(&theta, &Device::flex());
        let shares = vec![1.0 / 8.0; 8];
        let (_, gradient) = network.gradient(&weights, batch.clone(), &shares, loss, Mode::Measuring);
        let gradient: Vec<f64> = flat(&gradient);
        let square: f64 = gradient.iter().map(|g| g * g).sum();
        // so short that no ReLU of these samples turns on the way
        let h = 1e-7 / square;
        let at = |h: f64| {
            let moved: Vec<f64> = theta.iter().zip(&gradient).map(|(x, g)| x + h * g).collect();
            mean_loss(network, &moved, &batch, loss)
        };
        let slope = (at(h) - at(-h)) / (2.0 * h);
        assert!((slope / square - 1.0).abs() < 1e-6, "{}: {slope} for {square}", network.architecture.word());
    }
}

#[test]
fn the_gradient_of_softmax_regression_is_exact() {
    let network = Network::new(Architecture::Linear, [1, 2, 2], 3).unwrap();
    let (theta, n) = (network.initial(2), 6);
    let batch = batch(&network, n, 4);
    let weights = network.tensors(&theta, &Device::flex());
    let shares: Vec<f32> = (0..n).map(|i| 0.1 * (i + 1) as f32).collect();
    let (_, gradient) = network.gradient(&weights, batch.clone(), &shares, Loss::CrossEntropy, Mode::Measuring);
    let gradient: Vec<f32> = flat(&gradient);
    let x: Vec<f32> = values(&batch.images);
    for (pixel, class) in (0..4).flat_map(|i| (0..3).map(move |k| (i, k))) {
        let mut expected = 0.0;
        for i in 0..n {
            let output = |k: usize| (0..4).map(|j| f64::from(x[4 * i + j] * theta[3 * j + k])).sum::<f64>().exp();
            let p = output(class) / (0..3).map(output).sum::<f64>();
            let hit = if i % 3 == class { 1.0 } else { 0.0 };
            expected += f64::from(shares[i]) * (p - hit) * f64::from(x[4 * i + pixel]);
        }
        assert!((f64::from(gradient[3 * pixel + class]) - expected).abs() < 1e-6);
    }
}

#[test]
fn frozen_statistics_of_a_batch_give_what_the_batch_gives() {
    let network = Network::new(Architecture::ResNet { depth: 14, width: 8 }, [3, 16, 16], 10).unwrap();
    let weights = network.tensors(&network.initial(1), &Device::flex());
    let images: Tensor<4> = batch(&network, 16, 2).images;
    let (own, statistics) = network.outputs(&weights, images.clone(), Mode::Measuring);
    assert_eq!(statistics.len(), network.norms.len());
    let (frozen, _) = network.outputs(&weights, images, Mode::Frozen(&statistics));
    for (a, b) in values::<f32, 2>(&own).iter().zip(values::<f32, 2>(&frozen)) {
        assert!((a - b).abs() < 1e-4 * (1.0 + a.abs()), "{a} and {b}");
    }
}

#[test]
fn a_shortcut_takes_every_other_pixel_and_adds_channels_of_zeros() {
    // the last convolution of every block 0: blocks hand on what comes, ReLU leaves it, since it is positive
    let network = Network::new(Architecture::ResNet { depth: 8, width: 2 }, [1, 16, 16], 2).unwrap();
    let mut theta = network.initial(1);
    let mut from = 0;
    for parameter in &network.parameters {
        let number: usize = parameter.name.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
        let silent = parameter.name == format!("norm{number}/scale") && number % 2 == 1 && number > 1;
        if silent {
            theta[from..from + parameter.len()].fill(0.0);
        }
        if parameter.name.starts_with("linear") {
            let rows = parameter.len() / 2;
            // the first output reads the first channel, the second one that a shortcut has added
            let last = |k: usize| if k == 0 || k == rows * 2 - 1 { 1.0 } else { 0.0 };
            (0..parameter.len()).for_each(|k| theta[from + k] = if rows > 1 { last(k) } else { 0.0 });
        }
        from += parameter.len();
    }
    let weights = network.tensors(&theta, &Device::flex());
    let (outputs, _) = network.outputs(&weights, batch(&network, 3, 1).images, Mode::Measuring);
    for row in values::<f32, 2>(&outputs).chunks(2) {
        assert!(row[0] > 0.0 && row[1] == 0.0, "{row:?}");
    }
}

/// Mean losses of one batch over so many steps of descent with momentum 0.9.
fn descent(network: &Network, n: usize, steps: usize, rate: f64) -> Vec<f64> {
    let mut weights = network.tensors(&network.initial(1), &Device::flex());
    let mut velocity: Vec<Tensor<1>> = weights.iter().map(Tensor::zeros_like).collect();
    let (batch, shares) = (batch(network, n, 3), vec![1.0 / n as f32; n]);
    let step = |_| {
        let (losses, gradient) =
            network.gradient(&weights, batch.clone(), &shares, Loss::CrossEntropy, Mode::Measuring);
        for ((weight, velocity), gradient) in weights.iter_mut().zip(&mut velocity).zip(gradient) {
            *velocity = velocity.clone() * 0.9 + gradient;
            *weight = weight.clone() - velocity.clone() * rate;
        }
        losses.iter().sum::<f64>() / n as f64
    };
    (0..steps).map(step).collect()
}

#[test]
fn one_batch_is_learnt() {
    let seen = descent(&resnet(8), 16, 10, 0.05);
    assert!(seen.iter().all(|l| l.is_finite()) && seen[9] < 0.7 * seen[0], "{seen:?}");
}

#[test]
#[ignore = "half a minute of CPU: cargo test --release --test networks -- --ignored"]
fn one_batch_of_32_is_learnt_by_resnet_110_in_ten_steps() {
    let seen = descent(&resnet(110), 32, 10, 0.01);
    println!("{seen:?}");
    assert!(seen.iter().all(|l| l.is_finite()) && seen[9] < 0.7 * seen[0], "{seen:?}");
}
