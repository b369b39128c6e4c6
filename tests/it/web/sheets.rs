//! Printable consent forms over HTTP.

use super::harness::{Gateway, client};

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_is_let_in_gets_the_empty_form() {
    // Goal: a partner and every operator get the page in the language asked for, under the rules in
    // force; another language and another kind are told as such. Method: ask for them.
    let gateway = Gateway::start().await;
    let ask = async |who: &str, rest: &str| {
        let url = gateway.url(&format!("/v1/forms/consents/{rest}"));
        let answer = client().get(url).bearer_auth(format!("token-{who}"));
        let answer = answer.send().await.expect("answer");
        let media = answer.headers()["content-type"].to_str().expect("text");
        let (status, media) = (answer.status().as_u16(), media.to_owned());
        (status, media, answer.text().await.expect("text"))
    };
    for who in ["alpha", "integrator", "privacy_officer", "auditor"] {
        let (status, media, page) = ask(who, "part2_tpo?lang=es").await;
        assert_eq!((status, media.as_str()), (200, "text/html; charset=utf-8"));
        assert!(page.contains("<html lang=\"es\">"), "{page}");
        assert!(page.contains("data-element=\"refusal_consequences\""));
    }
    let (_, _, plain) = ask("alpha", "hipaa_auth").await;
    let (_, _, english) = ask("alpha", "hipaa_auth?lang=en").await;
    assert_eq!(plain, english);
    assert!(plain.contains("<html lang=\"en\">"), "{plain}");
    for (rest, expected) in [
        ("part2_tpo?lang=tlh", 400),
        ("part2_tpo?lang=en&lang=es", 400),
        ("part2_tpo?other=en", 400),
        ("shoe_size", 404),
    ] {
        let (status, media, _) = ask("alpha", rest).await;
        assert_eq!(
            (status, media.as_str()),
            (expected, "application/problem+json"),
            "{rest}"
        );
    }
    gateway.running.shutdown().await;
}
