/** 256 short, common, unlike words: eight bits each in a code that is read aloud. */
export const words: readonly string[] = (
  'acorn alder almond amber anchor apple apron arrow aspen aster atlas badge baker balsam banjo barley ' +
  'basil basin beacon beaver berry birch bishop bison blossom bluff bonnet border boulder brass bread ' +
  'breeze bridge bronze brook bucket buckle butter cabin cactus candle canoe canvas canyon carrot ' +
  'castle cedar cello chalk cherry chestnut cider cinder citrus cobalt cocoa comet copper coral cotton ' +
  'crane crater cricket crown crystal cypress dahlia daisy dapple delta denim desert dolphin domino ' +
  'dragon drum dune eagle easel echo elder elm ember emerald engine fable falcon feather fennel fern ' +
  'fiddle field finch flint flute forest fossil fountain fox frost galaxy garlic garnet gazelle geyser ' +
  'ginger glacier glove goblet granite grape gravel grove guitar harbor harp harvest hazel heather ' +
  'hedge heron hollow honey hornet ibis indigo iris island ivory ivy jacket jade jasper juniper kayak ' +
  'kettle kiwi koala ladder lagoon lantern larch laurel lava lemon lentil lichen lilac lily linen lotus ' +
  'lumber lupin lynx magnet magpie mango mantle maple marble meadow melon meteor mint mirror mitten ' +
  'moon morning moss mulberry nectar needle nettle nickel nutmeg oak oasis oat ocean olive onyx opal ' +
  'orange orbit orchid osprey otter paddle panda paper parcel parsley pebble pepper pewter piano pigeon ' +
  'pine planet plum pocket poplar poppy prairie puffin quail quartz quill quince rabbit radish rain ' +
  'raven reed river robin rocket ruby saddle saffron sage salmon sapphire satin scarlet shell silver ' +
  'spruce star stone summer sunset swan sycamore tango teal thistle tiger topaz tulip tundra turnip ' +
  'valley vanilla velvet violet violin walnut water wheat willow winter wren yarrow zebra zinnia'
).split(' ');
