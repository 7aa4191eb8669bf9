package pipeline

import (
	"context"
	"fmt"
	"sync/atomic"

	"rollcall/tenant"
)

// kinds has a [tenant.Kind] for each of Change.Properties: what the tenant has shown for
// any user so far. It is not used for a setting whose properties are known.
type kinds []atomic.Uint32

// learn notes the kind of a value that the tenant showed. A list stays a list: a tenant
// may show a list of one member as that member.
func (ks kinds) learn(i int, shown any) {
	k := uint32(tenant.KindOf(shown))
	for is := ks[i].Load(); k != uint32(tenant.Unknown) && k != is && is != uint32(tenant.List); is = ks[i].Load() {
		ks[i].CompareAndSwap(is, k)
	}
}

// kind returns the kind of a property: that of shown, a value of this user, or if that
// tells nothing, the kind that other users showed.
func (ks kinds) kind(i int, shown any) tenant.Kind {
	if k := tenant.KindOf(shown); k != tenant.Unknown {
		return k
	}
	return tenant.Kind(ks[i].Load())
}

// mustReadKinds reports whether t's user has to be read before the set even without
// ReadFirst: as long as the kind of a property is not known, and where the wanted value
// may not suit it.
func (r *Run) mustReadKinds(t *task) bool {
	if !r.Change.Setting.AnyProperty() {
		return false
	}
	for i, want := range t.plan.wants {
		_, edits := want.Value.(tenant.Edit)
		switch k := r.kinds.kind(t.plan.index[i], nil); {
		case k == tenant.Unknown, k == tenant.List && isSingle(want.Value), edits && k != tenant.List && k != tenant.String:
			return true
		}
	}
	return false
}

// readKinds reads t's user to learn the kinds of the properties. The kind of a property that
// Get does not show stays unknown.
func (r *Run) readKinds(ctx context.Context, t *task) error {
	object, err := r.get(ctx, t)
	if err != nil {
		return err
	}
	t.shown = t.shown[:0]
	for i, want := range t.plan.wants {
		v, err := r.Change.Setting.Read(object, want.Property)
		if err != nil {
			v = nil
		}
		r.kinds.learn(t.plan.index[i], v)
		t.shown = append(t.shown, v)
	}
	return nil
}

// settable returns an error if a wanted value does not suit the value that t's user
// has: one value would replace a whole list, for example.
func (t *task) settable() error {
	for i, shown := range t.shown {
		want := t.plan.wants[i]
		list, isList := shown.([]any)
		_, edits := want.Value.(tenant.Edit)
		switch k := tenant.KindOf(shown); {
		case isList && len(list) > 1 && isSingle(want.Value):
			return fmt.Errorf("%s is a list of %d: want %[1]s+=VALUE, %[1]s-=VALUE or, to replace it all, %[1]s=[a%[3]sb]", want.Property, len(list), tenant.ListSeparator)
		case edits && k != tenant.Unknown && k != tenant.List && k != tenant.String:
			return fmt.Errorf("%s is %v, not a list: nothing can be added or removed", want.Property, k)
		}
	}
	return nil
}

// isSingle reports whether want is a single value: not a list, and not an edit of one.
func isSingle(want any) bool {
	switch want.(type) {
	case nil, tenant.Edit:
		return false
	}
	_, isList := tenant.As(want, tenant.List).([]string)
	return !isList
}

// same reports whether shown is as wanted, and whether it differs only in capitals.
func (r *Run) same(shown, want any) (same, butCase bool) {
	switch tenant.Compare(shown, want) {
	case tenant.Same:
		return true, false
	case tenant.CaseDiffers:
		return !r.Change.MatchCase, !r.Change.MatchCase
	}
	return false, false
}

// sendable returns the wanted values in the types that are sent for t's user.
func (r *Run) sendable(t *task) []tenant.Want {
	wants := make([]tenant.Want, len(t.plan.wants))
	for i, want := range t.plan.wants {
		var shown any
		if len(t.shown) > i {
			shown = t.shown[i]
		}
		wants[i] = tenant.Want{Property: want.Property, Value: tenant.As(want.Value, r.kinds.kind(t.plan.index[i], shown))}
	}
	return wants
}
