//! Tells cargo that the shipped catalog is part of the executable.

fn main() {
    for folder in ["schemas", "mappings", "policies"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
