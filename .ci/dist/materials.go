package main

import (
	"debug/buildinfo"
	"encoding/json"
	"time"
)

// materials returns the bill of materials of a program in the form of CycloneDX
// 1.6: the modules that were really linked, with their checksums.
func materials(binary, version string, when time.Time) ([]byte, error) {
	type component struct {
		Type    string `json:"type"`
		Ref     string `json:"bom-ref"`
		Name    string `json:"name"`
		Version string `json:"version"`
		PURL    string `json:"purl,omitempty"`
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	components := []component{{"library", "std", "std", info.GoVersion, "pkg:golang/std@" + info.GoVersion[len("go"):]}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		purl := "pkg:golang/" + m.Path + "@" + m.Version
		components = append(components, component{"library", purl, m.Path, m.Version, purl})
	}
	return json.MarshalIndent(map[string]any{
		"bomFormat":   "CycloneDX",
		"specVersion": "1.6",
		"version":     1,
		"metadata": map[string]any{
			"timestamp": when.Format(time.RFC3339),
			"component": component{"application", "rollcall", "rollcall", version, ""},
		},
		"components": components,
	}, "", "  ")
}
