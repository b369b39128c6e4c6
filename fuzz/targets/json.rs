#![no_main]

use kinbridge_fuzz::submission::Road;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static ROAD: LazyLock<Road> = LazyLock::new(|| Road::new("kinbridge-json/1.0"));

// The catalog is compiled before the clock of the first unit runs.
fuzz_target!(init: ROAD.ready(), |bytes: &[u8]| ROAD.take(bytes));
