//! Secrets that people copy: letters and digits, each equally likely.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// So many letters out of the random bytes that `fill` gives, 5.95 bits each.
pub(crate) fn letters<E>(
    count: usize,
    mut fill: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<String, E> {
    let mut text = String::with_capacity(count);
    let mut random = [0; 64];
    while text.len() < count {
        fill(&mut random)?;
        // 248 is the largest multiple of 62 in a byte: above it some letters would be likelier.
        let fair = random.iter().filter(|byte| **byte < 248).map(|byte| byte % 62);
        let room = count - text.len();
        text.extend(fair.take(room).map(|index| char::from(ALPHABET[usize::from(index)])));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_comes_from_the_same_number_of_bytes() {
        let mut next = 0u8;
        let all = letters(248, |bytes| {
            bytes.iter_mut().for_each(|byte| {
                *byte = next;
                next = next.wrapping_add(1);
            });
            Ok::<(), ()>(())
        });
        let all = all.unwrap();
        assert_eq!(all.len(), 248);
        for letter in ALPHABET {
            assert_eq!(all.bytes().filter(|byte| byte == letter).count(), 4);
        }
        assert_eq!(letters(1, |_| Err("dry")), Err("dry"));
    }
}
