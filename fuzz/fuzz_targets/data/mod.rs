//! A file of data below the folder of a scenario that asks for it.

use fpsolve::reader::Source;
use fpsolve::scenario::Scenario;

/// Builds a small problem on a file with these bytes.
pub fn read(extension: &str, bytes: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let columns = if extension == "npy" { "{ u = 0, v = 1 }" } else { "{ u = \"u\", v = \"v\" }" };
    let text = format!(
        r#"
engines = ["fokker-planck"]
model = {{ kind = "sample-loss", variables = ["w"], sample_loss = "(v - w*u)^2", data = {{ file = "d.{extension}", columns = {columns} }} }}
dynamics = {{ learning_rate = 0.1, batch_size = 1 }}
grid = {{ axes = [{{ from = -2, to = 2, cells = 8 }}] }}
initial = {{ kind = "point", at = [0] }}
time = {{ end = 1.0 }}
"#
    );
    if std::fs::write(folder.path().join(format!("d.{extension}")), bytes).is_ok() {
        let source = Source::from_text(&folder.path().join("s.toml"), text);
        let _ = Scenario::parse(source).and_then(|scenario| scenario.problem());
    }
}
