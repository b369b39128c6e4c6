#![no_main]

use kinbridge_fuzz::compiling;
use libfuzzer_sys::fuzz_target;

// The catalog is read before the clock of the first unit runs.
fuzz_target!(init: compiling::take(b""), |bytes: &[u8]| compiling::take(bytes));
