package kibana_test

import (
	"fmt"
	"strings"
)

// kqlReader reads Kibana's query language as Kibana does, as far as the panels use it, and gives what Kibana would send.
type kqlReader struct {
	words []string
}

// kqlToDSL is what Kibana sends for a query.
func kqlToDSL(q string) (object, error) {
	words, err := kqlWords(q)
	if err != nil || len(words) == 0 {
		return object{"match_all": object{}}, err
	}
	r := &kqlReader{words}
	o, err := r.or()
	if err == nil && len(r.words) > 0 {
		err = fmt.Errorf("%q is left over", r.words)
	}
	return o, err
}

// kqlWords takes a query apart; quoted texts keep their opening quote, so that they are told from bare ones.
func kqlWords(q string) ([]string, error) {
	var words []string
	for q = strings.TrimSpace(q); q != ""; q = strings.TrimSpace(q) {
		switch {
		case strings.HasPrefix(q, ">=") || strings.HasPrefix(q, "<="):
			words, q = append(words, q[:2]), q[2:]
		case strings.ContainsRune("():<>", rune(q[0])):
			words, q = append(words, q[:1]), q[1:]
		case q[0] == '"':
			text, i := `"`, 1
			for ; i < len(q) && q[i] != '"'; i++ {
				if q[i] == '\\' {
					i++
				}
				text += string(q[i])
			}
			if i >= len(q) {
				return nil, fmt.Errorf("%s is not closed", q)
			}
			words, q = append(words, text), q[i+1:]
		default:
			end := strings.IndexAny(q, ` ():<>"`)
			if end < 0 {
				end = len(q)
			}
			words, q = append(words, q[:end]), q[end:]
		}
	}
	return words, nil
}

func (r *kqlReader) take(word string) bool {
	if len(r.words) == 0 || !strings.EqualFold(r.words[0], word) {
		return false
	}
	r.words = r.words[1:]
	return true
}

func (r *kqlReader) next() (string, error) {
	if len(r.words) == 0 {
		return "", fmt.Errorf("the query ends early")
	}
	w := r.words[0]
	r.words = r.words[1:]
	return w, nil
}

func (r *kqlReader) or() (object, error) {
	first, err := r.and()
	list := []object{first}
	for err == nil && r.take("or") {
		var o object
		o, err = r.and()
		list = append(list, o)
	}
	return object{"bool": object{"should": list, "minimum_should_match": 1}}, err
}

func (r *kqlReader) and() (object, error) {
	first, err := r.not()
	list := []object{first}
	for err == nil && r.take("and") {
		var o object
		o, err = r.not()
		list = append(list, o)
	}
	return object{"bool": object{"filter": list}}, err
}

func (r *kqlReader) not() (object, error) {
	if r.take("not") {
		o, err := r.not()
		return object{"bool": object{"must_not": o}}, err
	}
	if r.take("(") {
		o, err := r.or()
		if err == nil && !r.take(")") {
			err = fmt.Errorf("a parenthesis is not closed before %q", r.words)
		}
		return o, err
	}
	name, err := r.next()
	if err != nil {
		return nil, err
	}
	sign, err := r.next()
	if err != nil {
		return nil, err
	}
	value, err := r.next()
	if err != nil {
		return nil, err
	}
	text, quoted := strings.CutPrefix(value, `"`)
	if kind, ok := map[string]string{">=": "gte", ">": "gt", "<=": "lte", "<": "lt"}[sign]; ok {
		return object{"range": object{name: object{kind: text}}}, nil
	}
	switch {
	case sign != ":":
		return nil, fmt.Errorf("%q is no operator", sign)
	case value == "*":
		return object{"exists": object{"field": name}}, nil
	case quoted:
		return object{"match_phrase": object{name: text}}, nil
	case strings.Contains(value, "*"):
		return object{"wildcard": object{name: object{"value": value}}}, nil
	}
	return object{"match": object{name: text}}, nil
}
