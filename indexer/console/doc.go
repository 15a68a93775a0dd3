// Package console shows the alerts of the store to a person in a browser: one page whose panels, table and live updates are driven by one time range
// and one set of filters.
//
// Its promise: whatever stands in a log line stays text, and nothing is answered to anyone who does not hold the token.
package console
