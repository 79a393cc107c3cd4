//! Preparation of passwords: OpaqueString of RFC 8265 in the six steps of spec/opaque.md.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use zeroize::Zeroizing;

use crate::error::{Result, ensure, error};

/// Tables of two versions would prepare one password in two ways.
const _: () = {
    let normalization = unicode_normalization::UNICODE_VERSION.0 as u64;
    let [properties, scripts] = [unicode_properties::UNICODE_VERSION.0, unicode_script::UNICODE_VERSION.0];
    assert!(normalization == properties && properties == scripts);
};

/// The bytes of a password as it was typed; `invalid-password`.
pub fn prepare(text: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(text).map_err(|_| error("invalid-password"))?;
    let space = |c: char| if c.general_category() == GeneralCategory::SpaceSeparator { ' ' } else { c };
    let prepared: Zeroizing<String> = Zeroizing::new(text.chars().map(space).nfc().collect());
    let characters: Zeroizing<Vec<char>> = Zeroizing::new(prepared.chars().collect());
    ensure(characters.iter().all(|&c| is_allowed(c)), "invalid-password")?;
    ensure((0..characters.len()).all(|at| fits_its_context(&characters, at)), "invalid-password")?;
    ensure((1..=65535).contains(&prepared.len()), "invalid-password")?;
    Ok(Zeroizing::new(prepared.as_bytes().to_vec()))
}

fn is_allowed(c: char) -> bool {
    use GeneralCategoryGroup::{Letter, Mark, Number, Punctuation, Symbol};
    let category =
        matches!(c.general_category_group(), Letter | Mark | Number | Punctuation | Symbol) || c == ' ';
    category && !is_default_ignorable(c) && !is_old_jamo(c) && !is_exception(c)
}

/// DerivedCoreProperties.txt of Unicode, without ranges of unassigned or format characters: those have no category
/// that is allowed.
fn is_default_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}'
    )
}

fn is_old_jamo(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97c}' | '\u{d7b0}'..='\u{d7fb}')
}

/// Disallowed by RFC 5892, section 2.6.
fn is_exception(c: char) -> bool {
    matches!(c, '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}')
}

/// RFC 5892, appendix A.3 to A.9.
fn fits_its_context(text: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).map(|i| text[i]);
    let after = text.get(at + 1);
    let has = |digits: std::ops::RangeInclusive<char>| text.iter().any(|c| digits.contains(c));
    match text[at] {
        '\u{b7}' => before == Some('l') && after == Some(&'l'),
        '\u{375}' => after.is_some_and(|c| c.script() == Script::Greek),
        '\u{5f3}' | '\u{5f4}' => before.is_some_and(|c| c.script() == Script::Hebrew),
        '\u{30fb}' => {
            text.iter().any(|c| matches!(c.script(), Script::Hiragana | Script::Katakana | Script::Han))
        }
        '\u{660}'..='\u{669}' => !has('\u{6f0}'..='\u{6f9}'),
        '\u{6f0}'..='\u{6f9}' => !has('\u{660}'..='\u{669}'),
        _ => true,
    }
}
