//! Puts every row of the route table in its place; what is in no row is a problem.

use super::answer::{answer, unrouted};
use super::problem::{METHOD_NOT_ALLOWED, Problem};
use super::routes::{ROUTES, Route};
use super::site::Site;
use actix_web::{HttpRequest, HttpResponse, web};
use std::collections::BTreeMap;

/// All routes; another method on a known address is a 405.
pub fn register(config: &mut web::ServiceConfig) {
    let mut by_path: BTreeMap<&str, Vec<&'static Route>> = BTreeMap::new();
    for route in ROUTES {
        by_path.entry(route.path).or_default().push(route);
    }
    for (path, routes) in by_path {
        let mut resource = web::resource(path);
        for &route in &routes {
            let serve = move |site, request, payload| answer(route, site, request, payload);
            resource = resource.route(web::method(route.verb.method()).to(serve));
        }
        let methods: Vec<String> = routes
            .iter()
            .map(|route| route.verb.method().to_string())
            .collect();
        let methods = methods.join(", ");
        config.service(resource.default_service(web::to(
            move |site: web::Data<Site>, request: HttpRequest| {
                let detail = "use one of the methods in Allow";
                let problem = Problem::new(&METHOD_NOT_ALLOWED, detail).allowing(methods.clone());
                let response = unrouted(problem, &site, &request);
                async move { response }
            },
        )));
    }
}

/// An address of no route.
pub async fn nowhere(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    unrouted(Problem::not_found(), &site, &request)
}
