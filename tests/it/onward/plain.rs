//! What is made of a Part 2 program's record, in words that would pass for the sender's own.

use super::*;

/// A referral to the hospital without a label.
fn plain(id: &str, more: Value) -> String {
    let record = referral(id, "hospital", "sud_part2", more);
    let bare = record.replace(r#"{"path":"/body","classes":["sud_part2"]}"#, "");
    let bare = bare.replace(r#"{"classes":["sud_part2"],"path":"/body"}"#, "");
    assert_ne!(bare, record);
    bare
}

#[tokio::test]
async fn a_correction_that_no_longer_says_so_is_made_of_it_still() {
    // Goal: what a version of a record named, all later ones are made of. Method: one that names
    // the program's record, then its correction without the name; the consent is revoked.
    let road = road().await;
    let given = reached_the_clinic(&road, "part2_tpo").await;
    let whence = json!({ "derived_from": [given] });
    let first = road
        .hand_in_from("clinic", "b", &plain("h-1", whence))
        .await;
    revoke(&road).await;
    let silent = plain("h-1", json!({})).replace("requested", "accepted");
    let second = road.hand_in_from("clinic", "c", &silent).await;
    assert_eq!(id_of(&first), id_of(&second));
    let closed = taken(&road, id_of(&second), "hospital").await;
    assert!(!goes(&closed, "sud_part2"), "{:?}", closed.rows);
    assert_eq!(closed.rows.len(), 1, "all of it is the program's");
}

#[tokio::test]
async fn what_is_made_of_a_programs_record_in_plain_words_is_the_programs_still() {
    // Goal: 42 CFR 2.33: what came from a program under a consent goes on by that consent, also
    // where whoever hands it on calls it an ordinary referral. Method: one with no label, made from
    // the given record; then the consent is revoked; the clinic's own referral goes as before.
    let road = road().await;
    let given = reached_the_clinic(&road, "part2_tpo").await;
    let whence = json!({ "derived_from": [given] });
    let onward = road
        .hand_in_from("clinic", "b", &plain("h-1", whence))
        .await;
    let own = road
        .hand_in_from("clinic", "c", &plain("h-2", json!({})))
        .await;
    let (onward, own) = (id_of(&onward), id_of(&own));
    let open = taken(&road, onward, "hospital").await;
    assert!(goes(&open, "sud_part2"), "{:?}", open.rows);
    let plainly = |taken: &Taken| taken.rows.iter().any(|row| row.data_class == "referral");
    assert!(!plainly(&open), "{:?}", open.rows);
    let cited = |taken: &Taken| {
        taken
            .citations
            .iter()
            .any(|c| c.contains("42CFR2.33(b)(1)"))
    };
    assert!(cited(&open), "{:?}", open.citations);
    let first_hand = taken(&road, own, "hospital").await;
    assert!(goes(&first_hand, "referral") && !cited(&first_hand));
    revoke(&road).await;
    let closed = taken(&road, onward, "hospital").await;
    assert!(
        !goes(&closed, "sud_part2") && !plainly(&closed),
        "{closed:?}"
    );
    assert!(goes(&taken(&road, own, "hospital").await, "referral"));
}
