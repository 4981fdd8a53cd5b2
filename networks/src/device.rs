//! Where networks run.

use burn_tensor::{Device, Tensor};
use fpsolve::error::{self, Failure};

use crate::scenario::DeviceKind;

/// A device and its name. Errors: the program is not built for it; it does not work.
pub fn open(kind: DeviceKind) -> Result<(Device, &'static str), Failure> {
    match kind {
        DeviceKind::Cpu => Ok((Device::flex(), "cpu")),
        DeviceKind::Cuda => works(cuda()?, "cuda"),
        DeviceKind::Wgpu => works(wgpu()?, "wgpu"),
        DeviceKind::Auto => {
            let found = [("cuda", cuda()), ("wgpu", wgpu())];
            let first = found.into_iter().find_map(|(name, device)| works(device.ok()?, name).ok());
            Ok(first.unwrap_or((Device::flex(), "cpu")))
        }
    }
}

/// A device that has added two numbers.
fn works(make: fn() -> Device, name: &'static str) -> Result<(Device, &'static str), Failure> {
    let tried = error::caught(|| {
        let device = make();
        let one = Tensor::<1>::ones([1], &device);
        let sum: Vec<f32> = (one.clone() + one).into_data().try_to_vec().unwrap_or_default();
        (device, sum == [2.0])
    });
    match tried {
        Ok((device, true)) => Ok((device, name)),
        Ok((_, false)) | Err(_) => {
            let why = tried.err().unwrap_or_else(|| "1 + 1 is not 2 there".into());
            let help = "write device = \"cpu\", or check the driver of the graphics card";
            Err(Failure::input(error::advice(format!("training.device = \"{name}\" does not work here: {why}"), help)))
        }
    }
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<fn() -> Device, Failure> {
    Ok(|| Device::cuda(burn_tensor::DeviceIndex::Default))
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<fn() -> Device, Failure> {
    Err(not_built("cuda"))
}

#[cfg(feature = "wgpu")]
fn wgpu() -> Result<fn() -> Device, Failure> {
    Ok(|| Device::wgpu(burn_tensor::DeviceKind::DefaultDevice))
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> Result<fn() -> Device, Failure> {
    Err(not_built("wgpu"))
}

#[cfg(not(all(feature = "cuda", feature = "wgpu")))]
fn not_built(word: &str) -> Failure {
    let message = format!("training.device = \"{word}\": this program was built without it");
    let help = format!("write device = \"cpu\", or build it with `cargo install --path networks --features {word}`");
    Failure::input(error::advice(message, help))
}
