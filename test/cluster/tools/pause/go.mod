// Builds the program that does nothing: the first process of every pod, and of the node itself.
module beamline.dev/test/cluster/pause

go 1.25.0
