#![no_main]

use kinbridge_fuzz::submission::Road;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static CLAIMS: LazyLock<Road> = LazyLock::new(|| Road::new("x12-837p/005010X222A1"));
static TABLES: LazyLock<Road> = LazyLock::new(|| Road::new("provider-csv/1.0"));

// Interchanges are recognised in whatever format they are sent. The catalog is compiled before the
// clock of the first unit runs.
fuzz_target!(
    init: {
        CLAIMS.ready();
        TABLES.ready();
    },
    |bytes: &[u8]| {
        CLAIMS.recognise(bytes);
        TABLES.recognise(bytes);
    }
);
