//! Types that are written as one word wherever they leave the program: in rows, in JSON.

/// Makes a type that has `ALL` and `as_str` readable and writable by serde, as that word.
macro_rules! as_words {
    ($($type:ty),+ $(,)?) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str> as serde::Deserialize<'de>>::deserialize(from)?;
                let found = <$type>::ALL.into_iter().find(|known| known.as_str() == word);
                found.ok_or_else(|| serde::de::Error::custom(format!("{word:?} is not known")))
            }
        }
    )+};
}

pub(crate) use as_words;
