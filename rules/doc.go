// Package rules evaluates log events with decoders and rules written for Wazuh 4 or OSSEC, unchanged: the same file
// gives the same rule, level, decoder and decoded fields.
//
// Load reads a ruleset once and resolves everything; NewEngine then evaluates events against it. The package is pure
// Go, starts no goroutine, and opens no file or connection of its own.
package rules
