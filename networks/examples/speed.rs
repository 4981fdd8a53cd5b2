//! Images per CPU second of one thread, forward with backward, and forward alone: the rows of `benches/README.md`. On a graphics card, which is
//! named by the first argument, images per second.
//!
//! `cargo run --release --example speed` (from `networks/`, after `. ../target/hdf5.sh`); with `--features cuda`, `… --example speed -- cuda`.

use std::time::Instant;

use fpsolve_networks::device;
use fpsolve_networks::network::pass::{Batch, Loss, Mode, values};
use fpsolve_networks::network::{Architecture, Network, flat};
use fpsolve_networks::scenario::DeviceKind;
use fpsolve_solvers::numerics::random::Stream;

/// CPU seconds of this process, in user and system mode.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |k: usize| fields.get(k).and_then(|n| n.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

/// Best rate of three rounds of at least a second each, by this clock.
fn rate(clock: &dyn Fn() -> f64, images: usize, mut work: impl FnMut()) -> f64 {
    work(); // kernels are compiled, memory is taken
    let mut round = || {
        let (start, mut done) = (clock(), 0);
        while clock() - start < 1.0 {
            work();
            done += images;
        }
        done as f64 / (clock() - start)
    };
    (0..3).map(|_| round()).fold(0.0, f64::max)
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("no pool is there yet");
    let start = Instant::now();
    let wall = || start.elapsed().as_secs_f64();
    let kind = match std::env::args().nth(1).as_deref() {
        None => DeviceKind::Cpu,
        Some("cuda") => DeviceKind::Cuda,
        Some("wgpu") => DeviceKind::Wgpu,
        Some(word) => panic!("{word}: cuda or wgpu"),
    };
    let (device, name) = device::open(kind).map_err(|failure| failure.report).expect("the device works");
    let on_cpu = kind == DeviceKind::Cpu;
    let (clock, unit): (&dyn Fn() -> f64, _) = if on_cpu { (&cpu, "CPU-s") } else { (&wall, "s") };
    let together = |few: usize| if on_cpu { few } else { 128 };
    let resnet = |depth| (Architecture::ResNet { depth, width: 16 }, [3, 32, 32], together(32));
    let cases = [
        (Architecture::Cnn { channels: vec![8, 16], hidden: 64 }, [1, 28, 28], together(64)),
        resnet(8),
        resnet(20),
        resnet(110),
        (Architecture::AlexNet { dropout: 0.0 }, [3, 32, 32], together(32)),
    ];
    println!("{name:58}  parameters  batch  both/{unit}  forward/{unit}");
    for (architecture, input, n) in cases {
        let network = Network::new(architecture, input, 10).expect("the images are large enough");
        let weights = network.tensors(&network.initial(1), &device);
        let mut stream = Stream::new(1, "speed", 0);
        let pixels = (0..n * input.iter().product::<usize>()).map(|_| stream.normal() as f32).collect();
        let labels: Vec<u8> = (0..n).map(|i| (i % 10) as u8).collect();
        let batch = Batch::new(&network, pixels, &labels, &device);
        let shares = vec![1.0 / n as f32; n];
        let both = rate(clock, n, || {
            let gradient = network.gradient(&weights, batch.clone(), &shares, Loss::CrossEntropy, Mode::Measuring);
            let _: Vec<f32> = flat(&gradient.1[..1]);
        });
        let forward = rate(clock, n, || {
            let _: Vec<f32> = values(&network.outputs(&weights, batch.images.clone(), Mode::Measuring).0);
        });
        let title = network.architecture.title();
        println!("{title:58}  {:10}  {n:5}  {both:10.0}  {forward:13.0}", network.len());
    }
}
