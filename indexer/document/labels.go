package document

import (
	"slices"
	"strconv"
	"strings"
)

type label struct{ name, value string }

// appendLabels appends the labels in order.
func appendLabels(dst []byte, values map[string]string) []byte {
	var room [usual]label
	list := room[:0]
	clean := true
	for name, value := range values {
		if value != "" {
			list = append(list, label{name, value})
			clean = clean && cleanName(name) == name
		}
	}
	slices.SortFunc(list, func(a, b label) int { return strings.Compare(a.name, b.name) })
	if !clean {
		cleanNames(list)
	}
	dst = key(`,"labels":{`).open(dst)
	for i, l := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, l.name)
		dst = append(dst, ':')
		dst = AppendString(dst, l.value)
	}
	return append(dst, '}')
}

// cleanNames makes names of any bytes fit for every store. Those that would be equal then are told apart by a number.
func cleanNames(list []label) {
	used := make(map[string]bool, len(list))
	for i := range list {
		clean := cleanName(list[i].name)
		unique := clean
		for n := 2; used[unique]; n++ {
			unique = clean + "_" + strconv.Itoa(n)
		}
		used[unique] = true
		list[i].name = unique
	}
}

func cleanName(name string) string {
	if name == "" {
		return "_"
	}
	return strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", "\uFFFD"), "\uFFFD")
}
