package pattern

import "errors"

func compilePCRE2(string) (Matcher, error) { return nil, errors.New("pcre2") }
