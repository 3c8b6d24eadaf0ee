//! What a review's rating means for the shop's people. Pure, and known to nothing that decides who is asked for a review.

/// A whole number of stars, one to five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rating(u8);

impl Rating {
    /// Takes a number of stars that exists.
    #[must_use]
    pub const fn new(stars: u8) -> Option<Self> {
        if matches!(stars, 1..=5) { Some(Self(stars)) } else { None }
    }

    /// The number of stars.
    #[must_use]
    pub const fn stars(self) -> u8 {
        self.0
    }

    /// What it means (brief, section 4).
    #[must_use]
    pub const fn class(self) -> RatingClass {
        match self.0 {
            0..=2 => RatingClass::Escalate,
            3 => RatingClass::Log,
            _ => RatingClass::Thank,
        }
    }
}

/// What a review says about its rating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatingClaim {
    /// So many stars.
    Rated(Rating),
    /// None: a platform without stars, or not given yet.
    Unrated,
    /// Something that is no number of stars.
    Unusable,
}

/// What is done about a review. `Ord` is by urgency, the least urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RatingClass {
    /// Four or five: a thank-you, where the shop wants one.
    Thank,
    /// Three: noted.
    Log,
    /// One or two: a person is told at once.
    Escalate,
}

impl RatingClass {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Thank, Self::Log, Self::Escalate];

    /// The stored word; also the brief's name of the decision.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Thank => "thank",
            Self::Log => "log_only",
            Self::Escalate => "escalate",
        }
    }

    /// Reads [`RatingClass::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_fall_into_the_briefs_classes() {
        let class = |stars| Rating::new(stars).map(Rating::class);
        use RatingClass::{Escalate, Log, Thank};
        let expected = [None, Some(Escalate), Some(Escalate), Some(Log), Some(Thank), Some(Thank), None];
        assert_eq!((0..=6).map(class).collect::<Vec<_>>(), expected);
        assert_eq!(class(255), None);
    }
}
