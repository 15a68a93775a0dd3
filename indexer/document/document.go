// Package document makes the JSON document of an alert, with the names that people know from Wazuh and the ECS ones
// beside them. Whatever an alert holds, the document is one valid JSON object in valid UTF-8.
package document

import (
	"time"

	armorv1 "armor/proto/armor/v1"
)

// Append appends the document of an alert to dst. Ingested is when the indexer took it; zero: left out.
func Append(dst []byte, a *armorv1.Alert, ingested time.Time) []byte {
	return appendDocument(dst, a, ingested, false)
}

// AppendSetAside is Append with the alert's data under field.SetAside, which no store indexes: for data that a store
// cannot map.
func AppendSetAside(dst []byte, a *armorv1.Alert, ingested time.Time) []byte {
	return appendDocument(dst, a, ingested, true)
}
