package pattern

import "errors"

func compileOSRegex(string) (Matcher, error) { return nil, errors.New("osregex") }
func compileOSMatch(string) (Matcher, error) { return nil, errors.New("osmatch") }
func compilePCRE2(string) (Matcher, error)   { return nil, errors.New("pcre2") }

type mark struct{ token, pos int }
