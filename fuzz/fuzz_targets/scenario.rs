//! A scenario is read and its memory added up, or refused with advice; nothing is built.
#![no_main]

use std::path::Path;

use fpsolve::limits;
use fpsolve::reader::Source;
use fpsolve::scenario::Scenario;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = Source::from_text(Path::new("fuzzed.toml"), text.to_string());
    if let Ok(scenario) = Scenario::parse(source)
        && let Ok(engines) = scenario.engines_to_run()
    {
        let _ = limits::check(&scenario, &engines, 1 << 30);
    }
});
