//! The RFC 6962 Merkle tree: leaf and node hashes, the growing frontier, proofs and their checks.
//!
//! Hashes of complete subtrees are addressed (level, index): level 0 is the leaves, node (l, i)
//! covers the leaves i * 2^l .. (i + 1) * 2^l.

use crate::base::digest::Digest;
use aws_lc_rs::digest::{Context, SHA256};

/// Hash of an entry's canonical bytes (RFC 6962 section 2.1).
pub fn leaf_hash(bytes: &[u8]) -> Digest {
    prefixed(0, &[bytes])
}

/// Hash of two subtrees.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    prefixed(1, &[&left.0, &right.0])
}

/// Root of the empty tree.
pub fn empty_root() -> Digest {
    Digest::of(b"")
}

fn prefixed(prefix: u8, parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(&[prefix]);
    for part in parts {
        context.update(part);
    }
    let mut out = [0_u8; 32];
    for (to, from) in out.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    Digest(out)
}

/// One complete subtree, as it comes into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subtree {
    /// 0 for a leaf.
    pub level: u32,
    /// Which one of its level.
    pub index: u64,
    /// Its hash.
    pub hash: Digest,
}

/// The right edge of a growing tree: the complete subtrees that make up its size, largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    edge: Vec<Digest>,
}

impl Frontier {
    /// A frontier from its parts: `edge` holds one hash per set bit of `size`, largest first.
    pub fn from_parts(size: u64, edge: Vec<Digest>) -> Option<Frontier> {
        (edge.len() == size.count_ones() as usize).then_some(Frontier { size, edge })
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf; `complete` is told of every subtree (above the leaves) that it completes.
    pub fn push(&mut self, leaf: Digest, mut complete: impl FnMut(Subtree)) {
        let mut hash = leaf;
        let mut level = 0;
        let mut index = self.size;
        while index & 1 == 1 {
            let Some(left) = self.edge.pop() else { break };
            hash = node_hash(&left, &hash);
            level += 1;
            index >>= 1;
            complete(Subtree { level, index, hash });
        }
        self.edge.push(hash);
        self.size += 1;
    }

    /// Root of the tree so far.
    pub fn root(&self) -> Digest {
        let mut edge = self.edge.iter().rev();
        let Some(last) = edge.next() else {
            return empty_root();
        };
        edge.fold(*last, |right, left| node_hash(left, &right))
    }

    /// The complete subtrees that make up a tree of `size` leaves, largest first.
    pub fn parts(size: u64) -> Vec<(u32, u64)> {
        let mut out = Vec::new();
        let mut start = 0_u64;
        for level in (0..u64::BITS).rev() {
            if size & (1_u64 << level) != 0 {
                out.push((level, start >> level));
                start += 1_u64 << level;
            }
        }
        out
    }
}

/// Where proofs take subtree hashes from.
pub trait Subtrees {
    /// Hash of the complete subtree (level, index).
    fn subtree(&self, level: u32, index: u64) -> Option<Digest>;
}

/// Root of the leaves `start..end`, from complete subtrees. `None` when one is missing.
pub fn range_root(source: &dyn Subtrees, start: u64, end: u64) -> Option<Digest> {
    let count = end.checked_sub(start)?;
    if count == 0 {
        return Some(empty_root());
    }
    if count.is_power_of_two() && start.is_multiple_of(count) {
        let level = count.trailing_zeros();
        return source.subtree(level, start >> level);
    }
    let split = start + left_size(count);
    let left = range_root(source, start, split)?;
    let right = range_root(source, split, end)?;
    Some(node_hash(&left, &right))
}

/// The largest power of two below `count` (which is at least 2).
fn left_size(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// Audit path of leaf `index` in the tree of `size` leaves (RFC 6962 section 2.1.1).
pub fn inclusion_proof(source: &dyn Subtrees, index: u64, size: u64) -> Option<Vec<Digest>> {
    if index >= size {
        return None;
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    let mut siblings = Vec::new();
    while end - start > 1 {
        let split = start + left_size(end - start);
        if index < split {
            siblings.push((split, end));
            end = split;
        } else {
            siblings.push((start, split));
            start = split;
        }
    }
    for (from, to) in siblings.into_iter().rev() {
        proof.push(range_root(source, from, to)?);
    }
    Some(proof)
}

/// Whether `leaf` stands at `index` in the tree of `size` leaves with that root.
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: &Digest,
) -> bool {
    if index >= size {
        return false;
    }
    let (mut fx, mut sx, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if sx == 0 {
            return false;
        }
        if fx & 1 == 1 || fx == sx {
            hash = node_hash(sibling, &hash);
            while fx & 1 == 0 && fx != 0 {
                fx >>= 1;
                sx >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        fx >>= 1;
        sx >>= 1;
    }
    sx == 0 && hash == *root
}

/// Proof that the tree of `new` leaves only added to the tree of `old` (RFC 6962 2.1.2).
pub fn consistency_proof(source: &dyn Subtrees, old: u64, new: u64) -> Option<Vec<Digest>> {
    if old > new {
        return None;
    }
    if old == 0 || old == new {
        return Some(Vec::new());
    }
    let mut proof = Vec::new();
    let (mut start, mut end, mut whole) = (0, new, true);
    let mut parts = Vec::new();
    while old != end {
        let split = start + left_size(end - start);
        if old <= split {
            parts.push((split, end));
            end = split;
        } else {
            parts.push((start, split));
            start = split;
            whole = false;
        }
    }
    if !whole {
        proof.push(range_root(source, start, end)?);
    }
    for (from, to) in parts.into_iter().rev() {
        proof.push(range_root(source, from, to)?);
    }
    Some(proof)
}

/// Whether the tree (`new`, `new_root`) only added to the tree (`old`, `old_root`).
pub fn verify_consistency(old: (u64, &Digest), new: (u64, &Digest), proof: &[Digest]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return proof.is_empty();
    }
    // A complete old tree is its own first part (RFC 9162 section 2.1.4.2).
    let seed = old_size.is_power_of_two().then_some(*old_root);
    let mut path = seed.into_iter().chain(proof.iter().copied());
    let Some(first) = path.next() else {
        return false;
    };
    let (mut fx, mut sx) = (old_size - 1, new_size - 1);
    while fx & 1 == 1 {
        fx >>= 1;
        sx >>= 1;
    }
    let (mut from, mut to) = (first, first);
    for part in path {
        if sx == 0 {
            return false;
        }
        if fx & 1 == 1 || fx == sx {
            from = node_hash(&part, &from);
            to = node_hash(&part, &to);
            while fx & 1 == 0 && fx != 0 {
                fx >>= 1;
                sx >>= 1;
            }
        } else {
            to = node_hash(&to, &part);
        }
        fx >>= 1;
        sx >>= 1;
    }
    sx == 0 && from == *old_root && to == *new_root
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    struct Map(HashMap<(u32, u64), Digest>);

    impl Subtrees for Map {
        fn subtree(&self, level: u32, index: u64) -> Option<Digest> {
            self.0.get(&(level, index)).copied()
        }
    }

    fn grow(size: u64) -> (Map, Vec<Digest>, Vec<Digest>) {
        let mut map = Map(HashMap::new());
        let mut frontier = Frontier::default();
        let (mut leaves, mut roots) = (Vec::new(), vec![empty_root()]);
        for n in 0..size {
            let leaf = leaf_hash(&n.to_be_bytes());
            map.0.insert((0, n), leaf);
            frontier.push(leaf, |s| {
                map.0.insert((s.level, s.index), s.hash);
            });
            leaves.push(leaf);
            roots.push(frontier.root());
        }
        (map, leaves, roots)
    }

    #[test]
    fn roots_are_those_of_the_standard() {
        // Goal: the hashing is RFC 6962's. Method: the test vectors of the reference
        // implementation (leaves "", 00, 10, 2021, 3031, 40414243, ...).
        let data: [&[u8]; 4] = [b"", b"\x00", b"\x10", b"\x20\x21"];
        let expected = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        let mut frontier = Frontier::default();
        for (leaf, root) in data.iter().zip(expected) {
            frontier.push(leaf_hash(leaf), |_| ());
            assert_eq!(frontier.root().to_hex(), root);
        }
    }

    #[test]
    fn every_inclusion_proof_holds_and_no_other() {
        // Goal: proofs of all leaves in all trees up to 40. Method: prove, verify, disturb.
        let (map, leaves, roots) = grow(40);
        for size in 1..=40_u64 {
            let root = &roots[size as usize];
            for index in 0..size {
                let proof = inclusion_proof(&map, index, size).expect("proof");
                let leaf = &leaves[index as usize];
                assert!(verify_inclusion(leaf, index, size, &proof, root));
                assert!(
                    !verify_inclusion(&root.clone(), index, size, &proof, &leaves[0]) || size == 1
                );
                if size > 1 {
                    let other = (index + 1) % size;
                    assert!(!verify_inclusion(leaf, other, size, &proof, root));
                }
            }
        }
    }

    #[test]
    fn every_consistency_proof_holds_and_no_other() {
        // Goal: proofs between all pairs up to 40. Method: prove, verify, disturb.
        let (map, _, roots) = grow(40);
        for new in 0..=40_u64 {
            for old in 0..=new {
                let proof = consistency_proof(&map, old, new).expect("proof");
                let (a, b) = (&roots[old as usize], &roots[new as usize]);
                assert!(
                    verify_consistency((old, a), (new, b), &proof),
                    "{old} {new}"
                );
                if old > 0 && old < new {
                    let wrong = leaf_hash(b"wrong");
                    assert!(!verify_consistency((old, &wrong), (new, b), &proof));
                    assert!(!verify_consistency((old, a), (new, &wrong), &proof));
                }
            }
        }
    }

    #[test]
    fn a_frontier_is_restored_from_its_parts() {
        // Goal: a restart continues the same tree. Method: rebuild at every size and compare.
        let (map, leaves, roots) = grow(40);
        for size in 0..40_u64 {
            let edge = Frontier::parts(size)
                .into_iter()
                .map(|(level, index)| map.subtree(level, index).expect("subtree"))
                .collect();
            let mut frontier = Frontier::from_parts(size, edge).expect("frontier");
            frontier.push(leaves[size as usize], |_| ());
            assert_eq!(frontier.root(), roots[size as usize + 1]);
        }
    }
}
