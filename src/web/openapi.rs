//! OpenAPI 3.1, generated from the route table; schemas and examples from `openapi.schemas.json`.
//!
//! What the table says about access, bodies and ids becomes security and answers here by rule, so
//! that the document cannot promise what is not enforced. Tests hold every real answer against it.

use super::routes::{Access, Answer, BodyRule, IdKind, ROUTES, Route, Scope, Verb};
use serde_json::{Map, Value};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, Parameter, ParameterBuilder};
use utoipa::openapi::path::{ParameterIn, PathItem, Paths};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi,
    OpenApiBuilder, Ref, Required, Type,
};

/// Schemas and examples of bodies: `{"schemas": {...}, "examples": {...}}`.
const SCHEMAS: &str = include_str!("openapi.schemas.json");

/// The document as compact JSON.
pub fn render() -> String {
    let mut document = serde_json::to_value(generate()).unwrap_or_default();
    let schemas: Value = serde_json::from_str(SCHEMAS).unwrap_or_default();
    if let Some(components) = document
        .get_mut("components")
        .and_then(Value::as_object_mut)
    {
        let of_bodies = schemas.get("schemas").cloned().unwrap_or_default();
        components.insert(String::from("schemas"), of_bodies);
    }
    document.to_string()
}

/// The example of that name, for documents and tests.
fn example(name: &str) -> Option<Value> {
    let schemas: Map<String, Value> = serde_json::from_str(SCHEMAS).ok()?;
    schemas.get("examples")?.get(name).cloned()
}

/// Whether a body of that name has a schema here; those of the wire formats have their own.
fn described(name: &str) -> bool {
    let schemas: Map<String, Value> = serde_json::from_str(SCHEMAS).unwrap_or_default();
    schemas
        .get("schemas")
        .and_then(|all| all.get(name))
        .is_some()
}

fn generate() -> OpenApi {
    let license = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"))
        .build();
    let info = InfoBuilder::new()
        .title("Kinbridge")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("A gateway for family engagement records."))
        .license(Some(license))
        .build();
    let components = ComponentsBuilder::new()
        .security_scheme(
            "bearer",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        )
        .security_scheme(
            "certificate",
            SecurityScheme::MutualTls {
                description: Some(String::from("Known by issuing certificate and name")),
                deprecated: None,
                extensions: None,
            },
        )
        .build();
    OpenApiBuilder::new()
        .info(info)
        .paths(paths())
        .components(Some(components))
        .build()
}

fn paths() -> Paths {
    let mut paths = Paths::new();
    for route in ROUTES {
        let method = match route.verb {
            Verb::Get => HttpMethod::Get,
            Verb::Post => HttpMethod::Post,
            Verb::Put => HttpMethod::Put,
        };
        let item = PathItem::new(method, operation(route));
        match paths.paths.get_mut(route.path) {
            Some(known) => known.merge_operations(item),
            None => {
                paths.paths.insert(route.path.to_owned(), item);
            }
        }
    }
    paths
}

fn operation(route: &'static Route) -> OperationBuilder {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(route.name))
        .summary(Some(route.doc.summary))
        .description(who_may(route))
        .request_body(request_body(route));
    for parameter in parameters(route) {
        operation = operation.parameter(parameter);
    }
    for (status, response) in responses(route) {
        operation = operation.response(status.to_string(), response);
    }
    if route.access != Access::Public {
        let none: [&str; 0] = [];
        operation = operation
            .security(SecurityRequirement::new("bearer", none))
            .security(SecurityRequirement::new("certificate", none));
    }
    operation
}

fn who_may(route: &Route) -> Option<String> {
    let Access::Known { partners, roles } = route.access else {
        return Some(String::from("For anyone."));
    };
    let mut who: Vec<String> = Vec::new();
    if partners {
        who.push(String::from("partners"));
    }
    let roles = roles.iter().map(|role| role.as_str());
    who.extend(roles.map(|role| format!("operators with role {role}")));
    Some(format!("For {}.", who.join(", ")))
}

fn parameters(route: &'static Route) -> Vec<Parameter> {
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    let in_path = route.path.split(['{', '}']).skip(1).step_by(2).map(|name| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(text()))
            .build()
    });
    let stated = route.doc.parameters.iter().map(|parameter| {
        let place = if parameter.header {
            ParameterIn::Header
        } else {
            ParameterIn::Query
        };
        let required = if parameter.required {
            Required::True
        } else {
            Required::False
        };
        ParameterBuilder::new()
            .name(parameter.name)
            .parameter_in(place)
            .required(required)
            .description(Some(parameter.text))
            .schema(Some(text()))
            .build()
    });
    in_path.chain(stated).collect()
}

fn request_body(route: &Route) -> Option<RequestBody> {
    if route.doc.takes.is_empty() {
        return None;
    }
    let mut body = RequestBodyBuilder::new().required(Some(Required::True));
    for (media, name) in route.doc.takes {
        let mut content = ContentBuilder::new().example(example(name));
        if described(name) {
            content = content.schema(Some(Ref::from_schema_name(*name)));
        }
        body = body.content(*media, content.build());
    }
    Some(body.build())
}

/// Its own answers, then those that access, body and id bring.
pub fn answers(route: &'static Route) -> Vec<(u16, &'static str, &'static str)> {
    let own = |answer: &'static Answer| (answer.status, answer.text, answer.schema);
    let mut all: Vec<_> = route.doc.answers.iter().map(own).collect();
    let error = match route.is_fhir() {
        true => "OperationOutcome",
        false => "Problem",
    };
    let mut add = |status: u16, text: &'static str| {
        if !all.iter().any(|(known, _, _)| *known == status) {
            all.push((status, text, error));
        }
    };
    if let Access::Known { partners, .. } = route.access {
        add(401, "No valid credential; the body was not read");
        add(403, "This credential may not do this");
        if partners {
            add(429, "Too many requests from this partner; see Retry-After");
        }
    }
    if matches!(route.scope, Scope::Own(kind) if kind != IdKind::None) {
        add(404, "Unknown, or not yours: the same answer");
    } else if route.path.contains('{') {
        add(404, "Unknown");
    }
    if route.body != BodyRule::None {
        add(400, "Content-Type stands twice");
        add(408, "The body came too slowly");
        add(413, "The body is too large");
        add(415, "The body is of another media type");
        add(422, "The body cannot be read as what it should be");
    }
    if route.access != Access::Public {
        add(
            503,
            "Busy, stopping, or the store cannot take more; see Retry-After",
        );
    }
    all.sort_by_key(|(status, _, _)| *status);
    all
}

fn responses(route: &'static Route) -> Vec<(u16, Response)> {
    let build = |(status, text, schema): (u16, &str, &str)| {
        let media = match schema {
            "Problem" => "application/problem+json",
            "File" => "application/octet-stream",
            "Page" => "text/html",
            "FhirResource" | "OperationOutcome" => "application/fhir+json",
            _ => "application/json",
        };
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(schema)))
            .example(example(schema).filter(|_| schema != "Problem"))
            .build();
        let response = ResponseBuilder::new()
            .description(text)
            .content(media, content);
        (status, response.build())
    };
    answers(route).into_iter().map(build).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn document_and_table_hold_the_same_routes() {
        // Goal: no route undocumented, none documented that is not served. Method: compare sets.
        let document: Value = serde_json::from_str(&render()).expect("json");
        assert_eq!(document.pointer("/openapi"), Some(&json!("3.1.0")));
        let mut documented = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (verb, operation) in item.as_object().expect("item") {
                let id = operation["operationId"].as_str().expect("operationId");
                documented.push(format!("{} {path} {id}", verb.to_uppercase()));
            }
        }
        let mut served: Vec<String> = ROUTES
            .iter()
            .map(|route| format!("{} {} {}", route.verb.method(), route.path, route.name))
            .collect();
        documented.sort();
        served.sort();
        assert_eq!(documented, served);
    }

    #[test]
    fn every_schema_is_there_and_every_example_fits_it() {
        // Goal: examples that integrators can copy. Method: compile each schema, check its example.
        let document: Value = serde_json::from_str(&render()).expect("json");
        let examples: Value = serde_json::from_str(SCHEMAS).expect("json");
        for route in ROUTES {
            for (_, _, schema) in answers(route) {
                assert!(
                    document["components"]["schemas"].get(schema).is_some(),
                    "{schema}"
                );
            }
            for (_, name) in route.doc.takes {
                assert!(example(name).is_some(), "{}: example {name}", route.name);
            }
        }
        for name in document["components"]["schemas"]
            .as_object()
            .expect("schemas")
            .keys()
        {
            let schema = json!({
                "$ref": format!("#/components/schemas/{name}"),
                "components": document["components"],
            });
            let validator = jsonschema::validator_for(&schema).expect(name);
            if let Some(example) = examples["examples"].get(name) {
                let errors: Vec<String> = validator
                    .iter_errors(example)
                    .map(|e| e.to_string())
                    .collect();
                assert!(errors.is_empty(), "{name}: {errors:?}");
            }
        }
    }
}
