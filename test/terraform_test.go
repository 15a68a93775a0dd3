package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"armor/internal/testenv"
)

// The Terraform module is HCL, each variable and resource that it refers to is declared, and each variable is used.
func TestTerraform(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testenv.Root(t), "services", "terraform", "cloudtrail", "*.tf"))
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	parser, declared, used := hclparse.NewParser(), map[string]bool{}, map[string]bool{}
	for _, file := range files {
		f, diags := parser.ParseHCLFile(file)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		body := f.Body.(*hclsyntax.Body)
		for _, block := range body.Blocks {
			switch block.Type {
			case "variable", "output":
				declared[block.Type+"."+block.Labels[0]] = true
			case "resource":
				declared[strings.Join(block.Labels, ".")] = true
			case "data":
				declared["data."+strings.Join(block.Labels, ".")] = true
			case "locals":
				for name := range block.Body.Attributes {
					declared["local."+name] = true
				}
			}
		}
		_ = hclsyntax.VisitAll(body, func(node hclsyntax.Node) hcl.Diagnostics {
			if ref, ok := node.(*hclsyntax.ScopeTraversalExpr); ok {
				used[reference(ref.Traversal)] = true
			}
			return nil
		})
	}
	for name := range used {
		root, _, _ := strings.Cut(name, ".")
		if slices.Contains([]string{"condition", "statement", "string", "number", "bool", "list"}, root) {
			continue // of dynamic blocks, and types
		}
		if !declared[strings.Replace(name, "var.", "variable.", 1)] {
			t.Errorf("%s is not declared", name)
		}
	}
	for name := range declared {
		if v, ok := strings.CutPrefix(name, "variable."); ok && !used["var."+v] {
			t.Errorf("%s is not used", name)
		}
	}
}

// reference is the name of what is referred to: two parts of it, three for data.
func reference(path hcl.Traversal) string {
	parts := []string{path.RootName()}
	for _, step := range path[1:] {
		if attr, ok := step.(hcl.TraverseAttr); ok && (len(parts) < 2 || parts[0] == "data" && len(parts) < 3) {
			parts = append(parts, attr.Name)
		}
	}
	return strings.Join(parts, ".")
}

// The policies of docs/cloudtrail.md are JSON, and name the same actions as the Terraform module, which has no others.
func TestPolicies(t *testing.T) {
	root := testenv.Root(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "cloudtrail.md"))
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(filepath.Join(root, "services", "terraform", "cloudtrail", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	_, read, _ := strings.Cut(string(module), `data "aws_iam_policy_document" "read"`)
	read, _, _ = strings.Cut(read, "\nresource ")
	var documented, given []string
	for _, m := range regexp.MustCompile(`"(\w+:\w+)"`).FindAllStringSubmatch(read, -1) {
		given = append(given, m[1])
	}
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d policies", len(blocks))
	}
	for _, block := range blocks {
		var policy struct {
			Version   string
			Statement []struct {
				Effect   string
				Action   any
				Resource string
			}
		}
		if err := json.Unmarshal(block[1], &policy); err != nil {
			t.Fatal(err)
		}
		for _, s := range policy.Statement {
			if s.Effect != "Allow" || !strings.HasPrefix(s.Resource, "arn:aws:") {
				t.Errorf("%+v", s)
			}
			switch action := s.Action.(type) {
			case string:
				documented = append(documented, action)
			case []any:
				for _, a := range action {
					documented = append(documented, a.(string))
				}
			}
		}
	}
	slices.Sort(documented)
	slices.Sort(given)
	if documented, given = slices.Compact(documented), slices.Compact(given); !slices.Equal(documented, given) {
		t.Errorf("documented %v, given %v", documented, given)
	}
}
