//! A small generator of repeatable chance: a failure prints the seed. No crate for twelve lines.

/// Marsaglia's xorshift. A state of zero stays zero, so a seed must not be one.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// Spreads seeds that follow one another.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next value.
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From 0 to `sides` - 1.
    ///
    /// # Panics
    /// When there are no sides.
    pub fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.draw() % u64::try_from(sides).unwrap()).unwrap()
    }
}
