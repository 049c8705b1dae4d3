//! The pages for people.

use crate::client::Client;

impl Client {
    async fn page(&self, path: &str) -> String {
        let answer =
            self.http.get(format!("{}{path}", self.account.url())).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.expect("a page")
    }

    async fn submit(&self, path: &str, form: &[(&str, &str)], origin: Option<&str>) -> u16 {
        let body: Vec<String> = form
            .iter()
            .map(|(name, value)| {
                format!("{name}={}", value.replace('<', "%3C").replace('&', "%26"))
            })
            .collect();
        let mut request = self
            .http
            .post(format!("{}{path}", self.account.url()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.send().await.expect("an answer").status().as_u16()
    }
}

#[tokio::test]
async fn a_person_creates_and_edits_a_lead() {
    let client = Client::new().await;
    assert!(client.page("/").await.contains("There is no lead yet"));
    let hostile = "<script>alert(1)</script>";
    let form = [("FirstName", hostile), ("EmailAddress", "a@example.com"), ("Phone", "")];
    assert_eq!(client.submit("/leads/new", &form, None).await, 200, "it leads to the lead");
    let id = client.account.leads().pop().expect("a lead");
    for path in ["/leads".to_owned(), format!("/leads/{id}"), "/leads?q=script".to_owned()] {
        let page = client.page(&path).await;
        assert!(
            page.contains("&#60;script&#62;") || page.contains("&lt;script&gt;"),
            "{path}: {page}"
        );
        assert!(!page.contains(hostile), "{path}");
        assert!(
            !page.contains("http://") && !page.contains("https://"),
            "{path} loads from outside"
        );
    }
    assert_eq!(client.submit(&format!("/leads/{id}"), &[("mx_City", "Pune")], None).await, 200);
    assert_eq!(client.account.lead(&id).expect("the lead")["mx_City"].as_deref(), Some("Pune"));
    assert_eq!(client.account.history(&id).len(), 2);
    let page = client.page(&format!("/leads/{id}")).await;
    assert!(page.contains("mx_City") && page.contains("Meera Iyer"), "{page}");
    // A refusal is shown, with what was typed.
    client.account.create_lead(&[("EmailAddress", "b@example.com")]).expect("a lead");
    assert_eq!(
        client.submit(&format!("/leads/{id}"), &[("EmailAddress", "b@example.com")], None).await,
        200
    );
    assert_eq!(
        client.account.lead(&id).expect("the lead")["EmailAddress"].as_deref(),
        Some("a@example.com")
    );
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let client = Client::new().await;
    let form = [("FirstName", "A")];
    assert_eq!(client.submit("/leads/new", &form, Some("https://evil.example")).await, 403);
    assert_eq!(client.account.lead_count(), 0);
    let own = client.account.url();
    assert_eq!(client.submit("/leads/new", &form, Some(&own)).await, 200);
    assert_eq!(client.account.lead_count(), 1);
}

#[tokio::test]
async fn automations_are_published_paused_and_removed() {
    let client = Client::new().await;
    let form = [
        ("name", "To b"),
        ("trigger", "new_lead"),
        ("url", "http://127.0.0.1:1/x"),
        ("retries", "0"),
    ];
    assert_eq!(client.submit("/automations", &form, None).await, 200);
    let (id, automation, enabled, _) = client.account.automations().pop().expect("it is there");
    assert!(enabled && automation.name == "To b");
    client.account.create_lead(&[("FirstName", "A")]).expect("a lead");
    client.account.idle().await;
    assert!(client.page("/deliveries").await.contains("no answer"));
    assert!(client.page("/calls").await.contains("No calls yet"));
    let page = client.page("/automations").await;
    assert!(page.contains("To b"), "{page}");
    let path = page.split("action=\"/automations/").nth(1).and_then(|rest| rest.split('"').next());
    let path = format!("/automations/{}", path.expect("a form for it"));
    client.submit(&path, &[("do", "disable")], None).await;
    assert!(!client.account.automations()[0].2);
    client.submit(&path, &[("do", "remove")], None).await;
    assert!(!client.account.remove_automation(&id), "it is gone");
}

#[tokio::test]
async fn users_have_a_role_and_a_field_which_the_api_tells() {
    let client = Client::new().await;
    let user = client.account.users().pop().expect("a user");
    assert!(client.page("/users").await.contains(&user.email));
    let form = [("role", "Sales_Manager"), ("active", "yes"), ("field", "yes")];
    assert_eq!(client.submit(&format!("/users/{}", user.id), &form, None).await, 200);
    let path = "UserManagement.svc/User/Retrieve/ByEmailAddress";
    let told = client.get(&format!("{path}?emailAddress={}", user.email)).await;
    let told = &told.1[0];
    assert_eq!((&told["UserId"], &told["Role"]), (&(*user.id).into(), &"Sales_Manager".into()));
    assert_eq!((&told["StatusCode"], &told["mx_Custom_1"]), (&0.into(), &"1".into()));
    assert!(told["ID"].is_null(), "{told}");
    let form = [("role", "Sales_User")];
    client.submit(&format!("/users/{}", user.id), &form, None).await;
    let told = client.get(&format!("{path}?emailAddress={}", user.email)).await;
    assert_eq!((&told.1[0]["StatusCode"], &told.1[0]["mx_Custom_1"]), (&1.into(), &"0".into()));
    let all = client.get("UserManagement.svc/Users.Get").await;
    let last = all.1.as_array().expect("a list").last().expect("a user").clone();
    assert_eq!((&last["ID"], &last["mx_Custom_1"]), (&(*user.id).into(), &serde_json::Value::Null));
    assert_eq!(client.submit("/users/nobody", &form, None).await, 404);
}
